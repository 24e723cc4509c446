import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ServiceCheck, ServiceContext } from '../../../../lib/operation/services.ts'
import { asked, serviceChecks } from '../../../../lib/phases/operator/services.ts'
import { external, precondition } from '../../../../lib/runtime/errors.ts'

const context = { environment: {}, signal: new AbortController().signal } as unknown as ServiceContext
const check = (reach: ServiceCheck['reach']): ServiceCheck => ({ rule: 'service/tide', service: 'the tide', reach })

const doctor = suite('doctor asks services')
for (const [why, reach, severity, message] of [
  ['one that answers', async () => 'high', 'info', /answers in \d+ ms/],
  ['one that is not there yet', async () => Promise.reject(precondition('not applied', 'up')), 'info', /not applied/],
  ['one that fails', async () => Promise.reject(external('a bad day', 'wait')), 'error', /a bad day \(after \d+ ms\)/],
  ['one that is silent', () => new Promise(() => undefined), 'error', /the tide has not answered/],
] as [string, ServiceCheck['reach'], string, RegExp][]) {
  doctor(`${why} is ${severity}`, async () => {
    const started = performance.now()
    const finding = await asked(check(reach), context, 200)
    assert.is(finding.severity, severity)
    assert.match(finding.message, message)
    if (severity === 'error') assert.ok(finding.remedy)
    assert.ok(performance.now() - started < 10_000)
  })
}
for (const [why, status, failure, severity, message] of [
  [
    'off by its schedule',
    'TERMINATED',
    external('a closed door', 'wait'),
    'info',
    /^VM\/vm is off until 09:00 \(UTC\), by its schedule$/,
  ],
  ['off, which its connection says', 'STOPPED', precondition('is off', 'up'), 'info', /off until 09:00/],
  ['preempted', 'SUSPENDED', external('a closed door', 'wait'), 'error', /VM\/vm is SUSPENDED/],
  ['gone', undefined, external('a closed door', 'wait'), 'error', /not in the project/],
  ['only just starting', 'STAGING', external('a closed door', 'wait'), 'warning', /is STAGING/],
  ['running', 'RUNNING', external('a closed door', 'wait'), 'error', /a closed door/],
  ['not made yet', new Error('not applied'), precondition('not applied', 'up'), 'info', /not applied/],
] as [string, string | Error | undefined, Error, string, RegExp][]) {
  doctor(`what is on a VM that is ${why}`, async () => {
    const onVm = {
      ...context,
      environment: { schedule: { on: '09:00', off: '21:00', timeZone: 'UTC' } },
      now: () => new Date('2025-12-01T03:00:00Z'),
      baseLayer: '00-vpc',
      output: async () => 'vm',
      compute: async () => ({
        vm: async () => (status instanceof Error ? Promise.reject(status) : status && { status, statusMessage: '' }),
      }),
    } as unknown as ServiceContext
    const finding = await asked({ ...check(async () => Promise.reject(failure)), onVm: true }, onVm, 200)
    assert.is(finding.severity, severity)
    assert.is(finding.object, 'the tide')
    assert.match(finding.message, message)
    assert.ok(finding.remedy || severity === 'warning')
  })
}
doctor('delivery’s services are asked where there is delivery', () => {
  const count = (environment: object) => serviceChecks({ environment } as never).length
  assert.is(count({ delivery: {} }) - count({}), 3)
})
doctor.run()
