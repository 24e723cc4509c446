import { expiryOf, isWanting, withOwnKey } from '../../model/ssh-keys.ts'
import type { Context } from '../../operation/context.ts'
import { keyStanding, OsLogin, type Standing } from '../../operation/ssh-access.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Phase } from '../../runtime/phases.ts'

type KeyContext = Pick<Context, 'environment' | 'compute' | 'output' | 'baseLayer' | 'now'>

/**
 * Adds this operator's public key to the VM's metadata where it is missing, as `gcloud compute ssh` does, but for hours only, and to
 * this VM alone.
 */
export function sshKey(): Phase<KeyContext> {
  return {
    id: 'vm/ssh-key',
    title: 'Your SSH key is on the VM',

    async check(context) {
      let standing: Standing | undefined
      try {
        standing = await keyStanding(context)
      } catch (error) {
        if (error instanceof OsLogin) return { state: 'refused', refusal: error }
        throw error
      }
      if (!standing) return { state: 'done', evidence: "whatever the SSH agent's keys open" }
      const { vm, own, validity } = standing
      if (isWanting(validity, context.now())) return { state: 'todo', changes: [describeKey(standing, context.now())] }
      return { state: 'done', evidence: { vm, user: own.user } }
    },

    async run(context) {
      const standing = await keyStanding(context)
      if (!standing) throw new Error('it was to be done, and is not known any more')
      const { vm, own } = standing
      const now = context.now()
      await (await context.compute()).setMetadata(vm, 'ssh-keys', present => withOwnKey(present, own, now))
      return { vm, user: own.user, until: expiryOf(now).toISOString() }
    },
  }
}

/** The same for a verb without phases: says what it adds, and waits until the VM has it. */
export async function keyAdded(context: KeyContext & Pick<Context, 'host' | 'log' | 'signal'>): Promise<void> {
  const { log, signal } = context
  const key = sshKey()
  const found = await key.check(context)
  if (found.state === 'refused') throw found.refusal
  if (found.state !== 'todo') return
  for (const change of found.changes) log.info(change)
  await key.run(context)
  await context.host().catch(error => {
    if (signal.aborted) throw error
    // A key with a passphrase, for example: ssh can ask for it.
    log.debug(`waiting for the key: ${messageOf(error)}`)
  })
}

/** What is about to be added, in a line. */
function describeKey({ vm, identityFile, own, validity }: Standing, now: Date): string {
  const until = expiryOf(now).toISOString()
  const what = `the public half of ${identityFile} to the metadata ssh-keys of ${vm}, for user ${own.user}, until ${until}`
  return validity?.until === undefined
    ? `add ${what}`
    : `add ${what}: what is there expires ${new Date(validity.until).toISOString()}`
}
