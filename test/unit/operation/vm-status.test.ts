import { suite } from 'uvu'
import * as assert from 'uvu/assert'
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
dial.run()
