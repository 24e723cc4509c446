import type { Snapshot } from '../../google/compute.ts'
import { ownLabels } from '../../model/labels.ts'
import { changeSince, type Fate, fatesOf, groupOf } from '../../model/snapshot/pruning.ts'
import type { Context } from '../../operation/context.ts'
import { messageOf, partial } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'

type PruneContext = Pick<Context, 'compute' | 'environment' | 'now' | 'progress' | 'signal' | 'log'>

/** What pruning is about, and what has come of it. */
export interface Pruning {
  /** What the operator has seen: of these, and no others, some may go. */
  fates: readonly Fate<Snapshot>[]
  deleted: string[]
  /** Those that were to go and are still there, each with the reason. */
  left: { name: string; reason: string }[]
}

/** What the environment's policy makes of its snapshots; undefined where it has none, which keeps all. */
export async function pruningOf(context: Pick<PruneContext, 'compute' | 'environment' | 'now'>): Promise<Pruning | undefined> {
  const { environment, now, compute } = context
  const { keep } = environment.snapshots
  if (!keep) return undefined
  const client = await compute()
  const all = await client.snapshots(ownLabels({ environment: environment.name }))
  return { fates: fatesOf(all, keep, now()), deleted: [], left: [] }
}

export const removedOf = ({ fates }: Pick<Pruning, 'fates'>): Fate<Snapshot>[] => fates.filter(({ isKept }) => !isKept)

/** Deletes what the policy does not keep, of what was announced. */
export function snapshotsPruned(pruning: Pruning): Phase<PruneContext> {
  const find = async (context: PruneContext) => {
    const fates = (await pruningOf(context))?.fates ?? []
    const announced = new Set(removedOf(pruning).map(({ snapshot }) => snapshot.id))
    return { fates, removed: removedOf({ fates }).filter(({ snapshot }) => announced.has(snapshot.id)) }
  }
  return {
    id: 'snapshots/pruned',
    title: 'Prune the snapshots',

    async check(context) {
      const { removed } = await find(context)
      return removed.length === 0
        ? { state: 'done', evidence: [] }
        : {
            state: 'todo',
            changes: removed.map(({ snapshot, reasons }) => `delete snapshot ${snapshot.name} (${reasons.join('; ')})`),
          }
    },

    async run(context) {
      const { fates, removed } = await find(context)
      for (const { snapshot } of removed) {
        context.progress(snapshot.name)
        const reason = await removeOne(snapshot, fates, context)
        if (reason === undefined) pruning.deleted.push(snapshot.name)
        else pruning.left.push({ name: snapshot.name, reason })
      }
      const { deleted, left } = pruning
      if (left.length === 0) return { deleted } as Json
      throw partial(
        `${left.length} of ${removed.length} snapshots that were to be deleted are still there:\n${left.map(({ name, reason }) => `  ${name}: ${reason}`).join('\n')}`,
        'run it again: it decides anew, and goes on',
      )
    },
  }
}

/** Deletes one that is as it was, while its group has another. @returns why it is still there; undefined when it is gone, by whomever */
async function removeOne(
  decided: Snapshot,
  fates: readonly Fate<Snapshot>[],
  { compute, signal }: PruneContext,
): Promise<string | undefined> {
  const client = await compute()
  try {
    const found = await client.snapshot(decided.name)
    if (!found) return undefined
    const change = changeSince(decided, found)
    if (change !== undefined) return change
    const keepers = fates.filter(({ isKept, snapshot }) => isKept && groupOf(snapshot) === groupOf(decided))
    for (const { snapshot } of keepers) {
      const keeper = await client.snapshot(snapshot.name)
      if (keeper?.id !== snapshot.id || keeper.status !== 'READY') continue
      await client.deleteSnapshot(decided.name)
      return undefined
    }
    return 'no other of its layer and disk is left'
  } catch (error) {
    if (signal.aborted) throw error
    return messageOf(error)
  }
}
