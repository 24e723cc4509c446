import { ownLabels } from '../labels.ts'
import { formatSnapshotName } from './name.ts'

export interface SnapshotPlan {
  name: string
  disk: string
  description: string
  labels: Record<string, string>
}

/** What each layer leaves on the disk, for people who read the description. */
const CONTENTS: Record<string, string> = {
  '00-vpc': 'base infrastructure',
  '01-k8s': 'ArgoCD, External Secrets, Local Path Provisioner',
  '02-argocd-app': 'Argo CD Application',
}

export interface SnapshotSubject {
  environment: string
  layer: string
  /** Whether it is the base layer, whose content is the VM itself. */
  base: boolean
  vm: string
  disk: string
  /** Serial of the layer's state: each needs one snapshot at most. */
  serial: number
  /** Lineage of that state: serials count within one only. */
  lineage: string
  now: Date
}

/** The labels by which the snapshots of a layer's state are listed; `stateSnapshots` chooses among them. */
export const snapshotKey = ({ environment, layer, serial }: Pick<SnapshotSubject, 'environment' | 'layer' | 'serial'>) => ({
  ...ownLabels({ environment, layer }),
  'state-serial': String(serial),
})

/** Google's labels hold lower-case letters, digits, `_` and `-`, at most 63. */
const lineageLabel = (lineage: string): string =>
  lineage
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '-')
    .slice(0, 63)

/**
 * Those that hold this very state: a system that was made anew counts its serials from the start, and so may meet the snapshots of the
 * one before. One without a lineage, from before they were noted, is not known to be of this state.
 * @param disk name of the VM's boot disk; undefined when there is none
 */
export const stateSnapshots = <Snapshot extends { labels: Record<string, string>; sourceDisk: string }>(
  snapshots: readonly Snapshot[],
  { lineage, disk }: { lineage: string; disk: string | undefined },
): Snapshot[] =>
  snapshots.filter(
    ({ labels, sourceDisk }) =>
      labels['state-lineage'] === lineageLabel(lineage) && (disk === undefined || sourceDisk === disk),
  )

/** Name, description and labels of a layer's snapshot: `snapshot-00-vpc-…` for the base layer, `<vm>-01-k8s-…` for those above. */
export function snapshotPlan(subject: SnapshotSubject): SnapshotPlan {
  const { layer, base, vm, disk, now } = subject
  const contents = CONTENTS[layer]
  return {
    name: formatSnapshotName({ subject: base ? 'snapshot' : vm, layer, takenAt: now }),
    disk,
    description: `Snapshot after ${layer} layer applied${contents ? ` (${contents})` : ''}`,
    // Nothing froze the file system or the database: the disk is as a power cut would leave it.
    labels: { ...snapshotKey(subject), 'state-lineage': lineageLabel(subject.lineage), consistency: 'crash' },
  }
}
