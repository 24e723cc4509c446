import { kinds } from '../cluster/kinds.ts'
import { type Removal, remaining, removalsOf } from '../model/health/removal.ts'
import type { Json } from '../runtime/json.ts'
import type { Phase } from '../runtime/phases.ts'
import { waitFor } from '../runtime/wait.ts'
import type { Operation } from './operation.ts'

/** The longest grace period of our pods is postgres' minute. In milliseconds. */
const GONE_WITHIN_MS = 3 * 60_000

const KINDS = { Pod: kinds.pods, ReplicaSet: kinds.replicaSets }

/**
 * Stale and duplicate pods are gone, and what earlier owners left to make them. Which these are is decided anew just before they
 * are deleted, and each is deleted by its uid: what has come about meanwhile is not touched.
 * @param agreed the operator's word for what is about to be deleted; it throws without it
 */
export function straysRemoved({ agreed }: { agreed: () => Promise<void> }): Phase<Operation> {
  const told = new Set<string>()
  const look = async (operation: Operation) => {
    const { inventory } = await (await operation.cluster()).inventory(operation.signal)
    const decision = removalsOf(inventory, operation.now())
    for (const { kind, namespace, name, why } of decision.keep) {
      const text = `${namespace}/${kind}/${name} stays: ${why}`
      if (!told.has(text)) operation.log.warn(text)
      told.add(text)
    }
    return decision
  }
  return {
    id: 'strays/removed',
    title: 'Remove stale and duplicate pods',

    async check(operation) {
      const { remove, keep } = await look(operation)
      return remove.length === 0
        ? { state: 'done', evidence: { kept: keep as unknown as Json } }
        : { state: 'todo', changes: remove.map(describe) }
    },

    async run(operation) {
      const shown = await look(operation)
      for (const removal of shown.remove) operation.log.warn(describe(removal))
      await agreed()
      const { remove, keep } = await look(operation)
      const meant = remove.filter(({ uid }) => shown.remove.some(removal => removal.uid === uid))
      const cluster = await operation.cluster()
      for (const { kind, namespace, name, uid } of meant) {
        operation.progress(`${namespace}/${kind}/${name}`)
        await cluster.delete(KINDS[kind], { namespace, name, uid }, operation.signal)
      }
      await gone(meant, operation)
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

async function gone(removals: readonly Removal[], { cluster, signal, progress }: Operation): Promise<void> {
  await waitFor({
    what: 'the deleted pods to be gone',
    within: GONE_WITHIN_MS,
    signal,
    hint: '`./taskw verify` says which one stays, and why',
    probe: async () => {
      const { inventory } = await (await cluster()).inventory(signal)
      const left = remaining(removals, inventory)
      if (left.length > 0) progress(`${left.join(', ')} still to go`)
      return left.length === 0 ? true : undefined
    },
  })
}
