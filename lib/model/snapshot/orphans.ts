import { isProtected, type Prunable } from './pruning.ts'

export interface Orphan<Snapshot> {
  snapshot: Snapshot
  reason: string
  /** One of these has to be there when it goes; undefined where there is nobody left to need one. */
  keepers: Snapshot[] | undefined
}

/** Whether a snapshot's disk exists, by its name and place. */
type HasDisk<Snapshot> = (snapshot: Snapshot) => boolean

/**
 * Those of this toolkit's own snapshots whose disk is gone and that nobody needs: their environment has no file here any more, or it is this
 * one and has a newer READY snapshot of the same layer and of a disk that is there. Without such a one they are what a lost disk is
 * restored from. One that is protected or unfinished is none.
 * @param own all that have the toolkit's label, of any environment
 * @param environments those that have a file
 */
export function orphansOf<Snapshot extends Prunable>(
  own: readonly Snapshot[],
  { environment, environments, hasDisk }: { environment: string; environments: readonly string[]; hasDisk: HasDisk<Snapshot> },
): Orphan<Snapshot>[] {
  return own.flatMap((snapshot): Orphan<Snapshot>[] => {
    const { labels, status, autoCreated, createdAt } = snapshot
    const isOver = status === 'READY' || status === 'FAILED'
    if (autoCreated || !isOver || isProtected(snapshot) || hasDisk(snapshot)) return []
    const label = labels.environment
    if (label === undefined) return []
    if (!environments.includes(label))
      return [{ snapshot, reason: `neither its disk nor environment ${label} is there`, keepers: undefined }]
    if (label !== environment) return []
    const keepers = own.filter(
      other =>
        other.labels.environment === environment &&
        other.labels.layer === labels.layer &&
        other.status === 'READY' &&
        Date.parse(other.createdAt) > Date.parse(createdAt) &&
        hasDisk(other),
    )
    return keepers.length > 0 ? [{ snapshot, reason: 'its disk is gone, and there is a newer one of another', keepers }] : []
  })
}
