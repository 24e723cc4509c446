#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { bootstrap } from '../lib/phases/bootstrap.ts'
import { kubeconfig } from '../lib/phases/kubeconfig.ts'
import { layer } from '../lib/phases/layer.ts'
import { verb } from '../lib/phases/operation.ts'
import { doctor, stateBucket } from '../lib/phases/readiness.ts'
import { snapshotOf } from '../lib/phases/snapshot.ts'
import { verified } from '../lib/phases/verify.ts'
import { vmRunning } from '../lib/phases/vm.ts'

export default verb({
  name: 'up',
  summary: 'Bring everything up, layer by layer, until it is verified. Safe to repeat.',

  phases: ({ environment }) => [
    doctor(),
    stateBucket(),
    layer('00-vpc'),
    vmRunning(),
    ...bootstrap(),
    kubeconfig(),
    layer('01-k8s'),
    snapshotOf('01-k8s'),
    layer('02-argocd-app'),
    verified({ within: environment.verify.deadline }),
  ],
})
