import { parseSnapshotName } from '../snapshot/name.ts'
import { snapshotKey, snapshotPlan } from '../snapshot/plan.ts'

/** The facts of a snapshot that are judged. */
export interface SnapshotFacts {
  name: string
  status: string
  description: string
  labels: Record<string, string>
  createdAt: string
  sourceDisk: string
  /** Serial of the layer's state that it was taken for. */
  serial: number
}

export interface SnapshotWanted {
  environment: string
  vm: string
  layer: string
}

/** What is wrong with the snapshot after a layer; empty for a good one. */
export function snapshotFaults(snapshot: SnapshotFacts, { environment, vm, layer }: SnapshotWanted): string[] {
  const { serial } = snapshot
  const name = parseSnapshotName(snapshot.name, [layer])
  const wanted = snapshotPlan({
    environment,
    layer,
    base: false,
    vm,
    disk: snapshot.sourceDisk,
    serial,
    lineage: snapshot.labels['state-lineage'] ?? '',
    now: name?.takenAt ?? new Date(0),
  })
  const labels = Object.entries(snapshotKey({ environment, layer, serial })).filter(
    ([key, value]) => snapshot.labels[key] !== value,
  )
  return [
    ...(snapshot.status === 'READY' ? [] : [`is ${snapshot.status}, not READY`]),
    ...(snapshot.name === wanted.name ? [] : [`is not named as a snapshot of ${vm} after ${layer}`]),
    ...(snapshot.description === wanted.description ? [] : [`has the description "${snapshot.description}"`]),
    ...labels.map(([key, value]) => `lacks the label ${key}=${value}`),
  ]
}
