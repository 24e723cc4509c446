import { destroyOrder } from '../../../model/layer/order.ts'
import type { DrillScenario } from '../step.ts'
import { cleanUp } from '../steps/clean-up.ts'
import { healthChecked } from '../steps/health-checked.ts'
import { layerApplied } from '../steps/layer-applied.ts'
import { layerDestroyed } from '../steps/layer-destroyed.ts'
import { layerUntouched } from '../steps/layer-untouched.ts'
import { lossSeen } from '../steps/loss-seen.ts'
import { markersJudged } from '../steps/markers-judged.ts'
import { markersWritten } from '../steps/markers-written.ts'
import { proofTaken } from '../steps/proof-taken.ts'
import { snapshotJudged } from '../steps/snapshot-judged.ts'
import { snapshotTaken } from '../steps/snapshot-taken.ts'
import { steadyState } from '../steps/steady-state.ts'
import { volumesDumped } from '../steps/volumes-dumped.ts'

/** @param layers all of the environment's layers, the base layer first, which stays @param snapshotsAfter those followed by a snapshot */
export function layerRebuild(layers: readonly string[], snapshotsAfter: readonly string[]): DrillScenario {
  const [base = '', ...others] = layers
  const keptBySnapshot = others.filter(layer => snapshotsAfter.includes(layer))
  return {
    name: 'layer-rebuild',
    title: 'The Kubernetes layer is destroyed and rebuilt, on a VM that stays',
    steps: [
      steadyState(),
      markersWritten(),
      volumesDumped(),
      proofTaken(base),
      ...destroyOrder(others, layers).map(layerDestroyed),
      lossSeen(),
      layerUntouched(base, {
        stage: 'decide',
        id: 'untouched',
        title: 'compared and planned',
        moment: 'after the destruction',
      }),
      ...others.flatMap(layer => [layerApplied(layer), ...(keptBySnapshot.includes(layer) ? [snapshotTaken(layer)] : [])]),
      healthChecked(),
      ...keptBySnapshot.map(snapshotJudged),
      layerUntouched(base, { stage: 'judge', id: 'untouched-at-end', title: 'compared once more', moment: 'at the end' }),
      markersJudged(),
      cleanUp(),
    ],
  }
}
