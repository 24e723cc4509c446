#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/operation/verb.ts'
import { verified } from '../lib/phases/health/verified.ts'
import { bootstrap } from '../lib/phases/k0s/bootstrap.ts'
import { kubeconfig } from '../lib/phases/k0s/kubeconfig.ts'
import { layerApplied } from '../lib/phases/layer/applied.ts'
import { stateBucket } from '../lib/phases/layer/state-bucket.ts'
import { doctor } from '../lib/phases/operator/doctor.ts'
import { snapshotTaken } from '../lib/phases/snapshot/taken.ts'
import { vmRunning } from '../lib/phases/vm/running.ts'

export default verb({
  name: 'up',
  summary: 'Bring everything up, layer by layer, until it is verified. Safe to repeat.',

  phases({ environment, terraform }) {
    const [base = '', ...others] = terraform.layers
    const snapshot = (layer: string) => (environment.snapshots.after.includes(layer) ? [snapshotTaken(layer)] : [])
    return [
      doctor(),
      stateBucket(),
      layerApplied(base),
      vmRunning(),
      ...snapshot(base),
      ...bootstrap(),
      kubeconfig(),
      ...others.flatMap(layer => [layerApplied(layer), ...snapshot(layer)]),
      verified({ within: environment.verify.deadline }),
    ]
  },
})
