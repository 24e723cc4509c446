import { waitFor } from '../runtime/wait.ts'
import type { Context } from './context.ts'
import { dialFailure } from './vm-status.ts'

const DEADLINE_MS = 3 * 60_000
const EVERY_MS = 1000

/**
 * The host keys that the guest publishes when it boots.
 * @throws OpsError 4 when the VM is off or gone, for then nobody will; 124 when there are none in time
 */
export async function publishedKeys(
  vm: string,
  context: Parameters<typeof dialFailure>[1] & Pick<Context, 'signal'>,
  { within = DEADLINE_MS, every = EVERY_MS }: { within?: number | undefined; every?: number } = {},
): Promise<string[]> {
  const client = await context.compute()
  const none = new Error(`${vm} has published no host keys`)
  return waitFor({
    what: `the host keys of ${vm}`,
    within,
    every,
    signal: context.signal,
    hint: 'has the guest booted, and does its guest agent run? Its serial console says so; its metadata enable guest attributes, so no other key counts',
    probe: async () => {
      const keys = await client.hostKeys(vm)
      if (keys.length > 0) return keys
      const failure = await dialFailure(none, context)
      if (failure !== none) throw failure
      return undefined
    },
  })
}
