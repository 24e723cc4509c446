import { environmentNames } from '../../config/names.ts'
import type { Snapshot } from '../../google/compute.ts'
import { ownLabels } from '../../model/labels.ts'
import { type Orphan, orphansOf } from '../../model/snapshot/orphans.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { type Outcome, snapshotsDeleted } from './pruned.ts'

type OrphanContext = Pick<Context, 'compute' | 'environment' | 'exists' | 'progress' | 'signal'>

/** The snapshots of this toolkit's whose disk is gone and that nobody needs. */
export async function orphansFound({
  compute,
  environment,
  exists,
}: Pick<OrphanContext, 'compute' | 'environment' | 'exists'>): Promise<Orphan<Snapshot>[]> {
  const { 'managed-by': owner } = ownLabels({ environment: environment.name })
  const own = await (await compute()).snapshots({ 'managed-by': owner })
  const disks = [...new Set(own.map(({ sourceDiskUrl }) => sourceDiskUrl))]
  // What can't be looked for, such as a disk that nothing says the place of, counts as there.
  const isThere = await Promise.all(
    disks.map(url => (url.includes('projects/') ? exists('compute', url.slice(url.indexOf('projects/'))) : true)),
  )
  const there = new Set(disks.filter((_, at) => isThere[at]))
  const hasDisk = ({ sourceDiskUrl }: Snapshot) => there.has(sourceDiskUrl)
  return orphansOf(own, { environment: environment.name, environments: environmentNames(), hasDisk })
}

/** Deletes the orphans that were announced, as far as they still are. */
export function orphansDeleted(announced: readonly Orphan<Snapshot>[], outcome: Outcome): Phase<OrphanContext> {
  const find = async (context: OrphanContext) => {
    const ids = new Set(announced.map(({ snapshot }) => snapshot.id))
    return (await orphansFound(context)).filter(({ snapshot }) => ids.has(snapshot.id))
  }
  return {
    id: 'snapshots/orphans',
    title: 'Delete the orphaned snapshots',

    async check(context) {
      const found = await find(context)
      return found.length === 0
        ? { state: 'done', evidence: [] }
        : { state: 'todo', changes: found.map(({ snapshot, reason }) => `delete snapshot ${snapshot.name} (${reason})`) }
    },

    run: async context => snapshotsDeleted(await find(context), outcome, context),
  }
}
