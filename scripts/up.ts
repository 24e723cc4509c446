#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { type ApplyOptions, applyOptions } from '../lib/command-line/options.ts'
import { verb } from '../lib/command-line/verb.ts'

export default verb<ApplyOptions>({
  name: 'up',
  summary: 'Bring everything up, layer by layer, until it is verified. Safe to repeat.',

  define: applyOptions,

  async work({ environment, terraform: { layers } }, { options }) {
    const { verified } = await import('../lib/phases/health/verified.ts')
    const { bootstrap } = await import('../lib/phases/k0s/bootstrap.ts')
    const { kubeconfig } = await import('../lib/phases/k0s/kubeconfig.ts')
    const { layerApplied } = await import('../lib/phases/layer/applied.ts')
    const { destructionJudged } = await import('../lib/phases/layer/judged.ts')
    const { applyPolicy } = await import('../lib/phases/layer/policy.ts')
    const { layersRecorded } = await import('../lib/phases/layer/recorded.ts')
    const { stateBucket } = await import('../lib/phases/layer/state-bucket.ts')
    const { doctor } = await import('../lib/phases/operator/doctor.ts')
    const { snapshotTaken } = await import('../lib/phases/snapshot/taken.ts')
    const { operatorKeys } = await import('../lib/phases/vm/operator-keys.ts')
    const { vmRunning } = await import('../lib/phases/vm/running.ts')

    const [base = '', ...others] = layers
    const policy = applyPolicy(options)
    const snapshot = (layer: string) => (environment.snapshots.after.includes(layer) ? [snapshotTaken(layer)] : [])
    return {
      phases: [
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
      ],
    }
  },
})
