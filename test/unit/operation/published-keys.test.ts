import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Compute } from '../../../lib/google/compute.ts'
import { publishedKeys } from '../../../lib/operation/published-keys.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'

const KEYS = ['ssh-ed25519 AAAA']

/** A VM that has this status, and publishes its keys when it is asked for the n-th time. */
function waiting(status: string | undefined, publishes: number, within = 5000) {
  let times = 0
  const compute = {
    hostKeys: async () => (++times >= publishes ? KEYS : []),
    vm: async () => status && { status, statusMessage: '' },
  } as unknown as Compute
  const context = {
    compute: async () => compute,
    output: async () => 'threads-vm',
    baseLayer: '00-vpc',
    signal: new AbortController().signal,
  }
  return { keys: publishedKeys('threads-vm', context, { within, every: 1 }), times: () => times }
}

const published = suite('publishedKeys')
published('those of a guest that has booted', async () => assert.equal(await waiting('RUNNING', 1).keys, KEYS))
for (const status of ['RUNNING', 'STAGING', 'PROVISIONING']) {
  published(`a VM that is ${status} is waited for`, async () => {
    const { keys, times } = waiting(status, 3)
    assert.equal(await keys, KEYS)
    assert.is(times(), 3)
  })
}
for (const [why, status, code] of [
  ['stopped: nobody waits', 'TERMINATED', 4],
  ['on its way down: nobody waits', 'STOPPING', 4],
  ['gone: nobody waits', undefined, 4],
  ['running, but publishes none in time', 'RUNNING', 124],
] as const) {
  published(`the VM is ${why}`, async () => {
    const { keys, times } = waiting(status, Number.POSITIVE_INFINITY, code === 124 ? 20 : 5000)
    try {
      await keys
      assert.unreachable()
    } catch (error) {
      if (!(error instanceof OpsError)) throw error
      assert.is(error.code, code, error.message)
      if (code === 4) assert.is(times(), 1)
    }
  })
}
published.run()
