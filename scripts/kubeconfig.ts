#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { kubeconfig } from '../lib/phases/kubeconfig.ts'
import { verb } from '../lib/phases/operation.ts'

export default verb({
  name: 'kubeconfig',
  summary: "Write the kubeconfig file of the environment's cluster, keeping other contexts in it.",

  phases: () => [kubeconfig()],
})
