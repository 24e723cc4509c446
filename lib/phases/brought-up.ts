import type { Context } from '../operation/context.ts'
import type { Phase } from '../runtime/phases.ts'
import { verified } from './health/verified.ts'
import { bootstrap } from './k0s/bootstrap.ts'
import { kubeconfig } from './k0s/kubeconfig.ts'
import { layerApplied } from './layer/applied.ts'
import { destructionJudged } from './layer/judged.ts'
import { type ApplyPolicy, applyPolicy } from './layer/policy.ts'
import { layersRecorded } from './layer/recorded.ts'
import { stateBucket } from './layer/state-bucket.ts'
import { doctor } from './operator/doctor.ts'
import { snapshotTaken } from './snapshot/taken.ts'
import { operatorKeys } from './vm/operator-keys.ts'
import { vmKeptRunning } from './vm/running.ts'
import { sshKey } from './vm/ssh-key.ts'

/** Everything up, layer by layer, until it is verified, from whatever is there. */
export function broughtUp(
  { environment, terraform: { layers } }: Pick<Context, 'environment' | 'terraform'>,
  policy: ApplyPolicy = applyPolicy(),
): Phase<Context>[] {
  const [base = '', ...others] = layers
  const snapshot = (layer: string) => (environment.snapshots.after.includes(layer) ? [snapshotTaken(layer)] : [])
  return [
    doctor(),
    stateBucket(),
    destructionJudged(layers, policy),
    layerApplied(base, policy),
    vmKeptRunning(),
    operatorKeys(),
    sshKey(),
    ...snapshot(base),
    ...bootstrap(),
    kubeconfig(),
    ...others.flatMap(layer => [layerApplied(layer, policy), ...snapshot(layer)]),
    layersRecorded(layers),
    verified({ within: environment.verify.deadline }),
  ]
}
