import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Environment } from '../../../lib/config/schema.ts'
import type { Compute, Vm } from '../../../lib/google/compute.ts'
import { dialFailure } from '../../../lib/operation/vm-status.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'

const REFUSED = new Error('nothing listens on port 22')

const dial = suite('dialFailure')
for (const [why, vm, expected] of [
  ['preempted', { status: 'TERMINATED', statusMessage: '' }, /is TERMINATED: somebody stopped it, or Google took/],
  ['ended for a reason', { status: 'TERMINATED', statusMessage: 'its host failed' }, /is TERMINATED: its host failed/],
  ['on its way down', { status: 'STOPPING', statusMessage: '' }, /is STOPPING/],
  ['gone', undefined, /in Terraform's state but not in the project/],
  ['booting', { status: 'STAGING', statusMessage: '' }, undefined],
  ['running', { status: 'RUNNING', statusMessage: '' }, undefined],
  ['unknown', new Error('Google is away'), undefined],
] as [string, Partial<Vm> | Error | undefined, RegExp | undefined][]) {
  dial(`the VM is ${why}`, async () => {
    const compute = { vm: async () => (vm instanceof Error ? Promise.reject(vm) : vm) } as unknown as Compute
    const failure = await dialFailure(REFUSED, {
      compute: async () => compute,
      output: async () => 'threads-vm',
      baseLayer: '00-vpc',
    })
    if (!expected) return assert.is(failure, REFUSED)
    if (!(failure instanceof OpsError)) throw failure
    assert.is(failure.code, 4)
    assert.match(failure.message, expected)
    assert.match(failure.hint ?? '', './taskw')
  })
}
dial('a VM that is off by its schedule is off until then', async () => {
  const compute = { vm: async () => ({ status: 'TERMINATED', statusMessage: '' }) } as unknown as Compute
  const failureAt = async (now: string) => {
    const environment = { schedule: { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' } } as Environment
    const context = { compute: async () => compute, output: async () => 'vm', baseLayer: '00-vpc', environment }
    const failure = await dialFailure(REFUSED, { ...context, now: () => new Date(now) })
    return failure instanceof OpsError ? `${failure.code} ${failure.message}` : failure
  }
  assert.is(await failureAt('2025-12-01T15:00:00Z'), '4 VM/vm is off until 09:00 (Asia/Taipei), by its schedule')
  assert.match(String(await failureAt('2025-12-01T05:00:00Z')), 'is TERMINATED')
})
dial.run()
