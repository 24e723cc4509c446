#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/operation/verb.ts'
import { verified } from '../lib/phases/health/verified.ts'
import { bootstrap } from '../lib/phases/k0s/bootstrap.ts'
import { kubeconfig } from '../lib/phases/k0s/kubeconfig.ts'
import { layerApplied } from '../lib/phases/layer/applied.ts'
import { destructionJudged } from '../lib/phases/layer/judged.ts'
import { type ApplyOptions, type ApplyPolicy, applyOptions, applyPolicy } from '../lib/phases/layer/policy.ts'
import { layersRecorded } from '../lib/phases/layer/recorded.ts'
import { stateBucket } from '../lib/phases/layer/state-bucket.ts'
import { doctor } from '../lib/phases/operator/doctor.ts'
import { snapshotTaken } from '../lib/phases/snapshot/taken.ts'
import { operatorKeys } from '../lib/phases/vm/operator-keys.ts'
import { vmRunning } from '../lib/phases/vm/running.ts'

export default verb<ApplyOptions, ApplyPolicy>({
  name: 'up',
  summary: 'Bring everything up, layer by layer, until it is verified. Safe to repeat.',

  define: applyOptions,

  subject: (_context, { options }) => applyPolicy(options),

  phases({ environment, terraform: { layers } }, _run, policy) {
    const [base = '', ...others] = layers
    const snapshot = (layer: string) => (environment.snapshots.after.includes(layer) ? [snapshotTaken(layer)] : [])
    return [
      doctor(),
      stateBucket(),
      destructionJudged(layers, policy),
      layerApplied(base, policy),
      vmRunning(),
      operatorKeys(),
      ...snapshot(base),
      ...bootstrap(),
      kubeconfig(),
      ...others.flatMap(layer => [layerApplied(layer, policy), ...snapshot(layer)]),
      layersRecorded(layers),
      verified({ within: environment.verify.deadline }),
    ]
  },
})
