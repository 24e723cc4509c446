import type { Compute, Snapshot } from '../../google/compute.ts'
import { ownLabels } from '../../model/labels.ts'
import { changeSince, type Fate, fatesOf, groupOf } from '../../model/snapshot/pruning.ts'
import type { Context } from '../../operation/context.ts'
import { messageOf, partial } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'

type PruneContext = Pick<Context, 'compute' | 'environment' | 'now' | 'progress' | 'signal'>

type DeletionContext = Pick<PruneContext, 'compute' | 'progress' | 'signal'>

/** What pruning is about, and what has come of it. */
export interface Pruning extends Outcome {
  /** What the operator has seen: of these, and no others, some may go. */
  fates: readonly Fate<Snapshot>[]
}

/** What has come of the snapshots that were to be deleted. */
export interface Outcome {
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
      const keepersOf = (decided: Snapshot) =>
        fates.flatMap(({ isKept, snapshot }) => (isKept && groupOf(snapshot) === groupOf(decided) ? snapshot : []))
      return snapshotsDeleted(
        removed.map(({ snapshot }) => ({ snapshot, keepers: keepersOf(snapshot) })),
        pruning,
        context,
      )
    },
  }
}

/** A snapshot that is to be deleted. */
interface Doomed {
  snapshot: Snapshot
  /** One of these must be there and READY for it; undefined where none has to be left. */
  keepers?: readonly Snapshot[] | undefined
}

/** Deletes each that is as it was when its end was decided. @throws OpsError 7 when some are left */
export async function snapshotsDeleted(doomed: readonly Doomed[], outcome: Outcome, context: DeletionContext): Promise<Json> {
  for (const each of doomed) {
    context.progress(each.snapshot.name)
    const reason = await deleteOne(each, context)
    if (reason === undefined) outcome.deleted.push(each.snapshot.name)
    else outcome.left.push({ name: each.snapshot.name, reason })
  }
  const { deleted, left } = outcome
  if (left.length === 0) return { deleted }
  const lines = left.map(({ name, reason }) => `  ${name}: ${reason}`).join('\n')
  throw partial(
    `${left.length} of ${doomed.length} snapshots that were to be deleted are still there:\n${lines}`,
    'run it again: it decides anew, and goes on',
  )
}

/** @returns why it is still there; undefined when it is gone, by whomever */
async function deleteOne(
  { snapshot: decided, keepers }: Doomed,
  { compute, signal }: DeletionContext,
): Promise<string | undefined> {
  const client = await compute()
  try {
    const found = await client.snapshot(decided.name)
    if (!found) return undefined
    const change = changeSince(decided, found)
    if (change !== undefined) return change
    if (keepers && !(await isOneLeft(keepers, client))) return 'none of those that are to be left instead is there'
    await client.deleteSnapshot(decided.name)
    return undefined
  } catch (error) {
    if (signal.aborted) throw error
    return messageOf(error)
  }
}

async function isOneLeft(keepers: readonly Snapshot[], client: Pick<Compute, 'snapshot'>): Promise<boolean> {
  for (const { name, id } of keepers) {
    const found = await client.snapshot(name)
    if (found?.id === id && found.status === 'READY') return true
  }
  return false
}
