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
doctor('delivery’s services are asked where there is delivery', () => {
  const count = (environment: object) => serviceChecks({ environment } as never).length
  assert.is(count({ delivery: {} }) - count({}), 3)
})
doctor.run()
