#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/command-line/verb.ts'

export default verb({
  name: 'bootstrap',
  summary: 'Put k0s on the VM, or bring it to the configured version and flags. Safe to repeat.',

  async work() {
    const { bootstrap } = await import('../lib/phases/k0s/bootstrap.ts')
    const { sshKey } = await import('../lib/phases/vm/ssh-key.ts')
    return { phases: [sshKey(), ...bootstrap()] }
  },
})
