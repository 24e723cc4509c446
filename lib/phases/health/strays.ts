import { kinds } from '../../cluster/kinds.ts'
import { type Removal, remaining, removalsOf } from '../../model/health/removal.ts'
import type { Context } from '../../operation/context.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { waitFor } from '../../runtime/wait.ts'

type StraysContext = Pick<Context, 'cluster' | 'signal' | 'now' | 'log' | 'progress' | 'consent'>

/** The longest grace period among our pods is postgres's: one minute. In milliseconds. */
const GONE_WITHIN_MS = 3 * 60_000

const KINDS = { Pod: kinds.pods, ReplicaSet: kinds.replicaSets }

/**
 * Removes stale and duplicate pods, and the ReplicaSets of earlier owners that would make them again. Which these are is decided once
 * more just before the deletion, and each is deleted by its uid: nothing is touched that was created in the meantime.
 */
export function straysRemoved(): Phase<StraysContext> {
  const mentioned = new Set<string>()
  const survey = async (context: StraysContext) => {
    const { inventory } = await (await context.cluster()).inventory(context.signal)
    const decision = removalsOf(inventory, context.now())
    for (const { kind, namespace, name, why } of decision.keep) {
      const text = `${namespace}/${kind}/${name} stays: ${why}`
      if (!mentioned.has(text)) context.log.warn(text)
      mentioned.add(text)
    }
    return decision
  }
  return {
    id: 'strays/removed',
    title: 'Remove stale and duplicate pods',

    async check(context) {
      const { remove, keep } = await survey(context)
      return remove.length === 0
        ? { state: 'done', evidence: { kept: keep as unknown as Json } }
        : { state: 'todo', changes: remove.map(describe) }
    },

    async run(context) {
      const shown = await survey(context)
      for (const removal of shown.remove) context.log.warn(describe(removal))
      await context.consent({ question: 'Delete what is listed above', destroys: true })
      const { remove, keep } = await survey(context)
      const meant = remove.filter(({ uid }) => shown.remove.some(removal => removal.uid === uid))
      const cluster = await context.cluster()
      for (const { kind, namespace, name, uid } of meant) {
        context.progress(`${namespace}/${kind}/${name}`)
        await cluster.delete(KINDS[kind], { namespace, name, uid }, context.signal)
      }
      await gone(meant, context)
      return { removed: meant as unknown as Json, kept: keep as unknown as Json }
    },

    summary: evidence => {
      const { removed } = evidence as unknown as { removed: Removal[] }
      const count = removed.flatMap(({ pods }) => pods).length
      return `${count} pod${count === 1 ? '' : 's'}`
    },
  }
}

const describe = ({ kind, namespace, name, pods, why }: Removal): string =>
  `delete ${namespace}/${kind}/${name}${kind === 'ReplicaSet' && pods.length > 0 ? ` with ${pods.join(', ')}` : ''}: ${why}`

async function gone(removals: readonly Removal[], { cluster, signal, progress }: StraysContext): Promise<void> {
  await waitFor({
    what: 'the deleted pods to be gone',
    within: GONE_WITHIN_MS,
    signal,
    hint: '`./taskw verify` says which ones are left, and why',
    probe: async () => {
      const { inventory } = await (await cluster()).inventory(signal)
      const left = remaining(removals, inventory)
      if (left.length > 0) progress(`waiting for ${left.join(', ')} to go`)
      return left.length === 0 ? true : undefined
    },
  })
}
