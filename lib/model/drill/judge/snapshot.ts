import { check, NOT_REACHED } from '../check.ts'
import { snapshotFaults } from '../snapshot.ts'
import type { Judge } from '../step.ts'

/** There is a good snapshot of the state that the drill applied. */
export const judgeSnapshot =
  (layer: string): Judge =>
  ({ facts: { snapshots = {} }, wanted }, step) => {
    const part = { title: `Snapshot after ${layer}` }
    const snapshot = snapshots[layer]
    if (snapshot === undefined) return [check(step, 'inconclusive', NOT_REACHED, part)]
    if (snapshot === null) return [check(step, 'fail', 'no snapshot of the state that was applied', part)]
    const faults = snapshotFaults(snapshot, { ...wanted, layer })
    return faults.length > 0
      ? [check(step, 'fail', `${snapshot.name} ${faults.join(', ')}`, part)]
      : [check(step, 'pass', `${snapshot.name}, ${snapshot.status}`, part)]
  }
