#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/command-line/verb.ts'

export default verb({
  name: 'kubeconfig',
  summary: "Write the kubeconfig file of the environment's cluster, keeping other contexts in it.",

  async work() {
    const { kubeconfig } = await import('../lib/phases/k0s/kubeconfig.ts')
    const { sshKey } = await import('../lib/phases/vm/ssh-key.ts')
    return { phases: [sshKey(), kubeconfig()] }
  },
})
