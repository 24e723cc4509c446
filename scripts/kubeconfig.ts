#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/operation/verb.ts'
import { kubeconfig } from '../lib/phases/k0s/kubeconfig.ts'

export default verb({
  name: 'kubeconfig',
  summary: "Write the kubeconfig file of the environment's cluster, keeping other contexts in it.",

  phases: () => [kubeconfig()],
})
