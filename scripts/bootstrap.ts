#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/command-line/verb.ts'

export default verb<{ takeOver?: boolean }>({
  name: 'bootstrap',
  summary: 'Put k0s on the VM, or bring it to the configured version and flags. Safe to repeat.',

  define: command =>
    command.option(
      '--take-over',
      'also change a k0s that somebody else has installed, and restart it, after asking; by default it is kept as it is',
    ),

  async work(context, { options: { takeOver = false } }) {
    const { agreeToTakeOver, bootstrap } = await import('../lib/phases/k0s/bootstrap.ts')
    const { sshKey } = await import('../lib/phases/vm/ssh-key.ts')
    return { phases: [sshKey(), ...bootstrap({ takeOver })], ...(takeOver && { agree: () => agreeToTakeOver(context) }) }
  },
})
