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
  now: Date
}

/** The labels that identify the snapshot of a layer's current state. */
export const snapshotKey = ({ environment, layer, serial }: Pick<SnapshotSubject, 'environment' | 'layer' | 'serial'>) => ({
  ...ownLabels({ environment, layer }),
  'state-serial': String(serial),
})

/** Name, description and labels of a layer's snapshot: `snapshot-00-vpc-…` for the base layer, `<vm>-01-k8s-…` for those above. */
export function snapshotPlan(subject: SnapshotSubject): SnapshotPlan {
  const { layer, base, vm, disk, now } = subject
  const contents = CONTENTS[layer]
  return {
    name: formatSnapshotName({ subject: base ? 'snapshot' : vm, layer, takenAt: now }),
    disk,
    description: `Snapshot after ${layer} layer applied${contents ? ` (${contents})` : ''}`,
    // Nothing froze the file system or the database: the disk is as a power cut would leave it.
    labels: { ...snapshotKey(subject), consistency: 'crash' },
  }
}
