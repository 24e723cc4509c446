#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import { foreignArguments } from '../lib/command-line/options.ts'

export default environmentScript({
  name: 'ssh',
  summary: "Log in on the VM with ssh, through IAP, or run a command there. It ends with ssh's exit code.",

  define: command => foreignArguments(command, 'options of ssh, or a command, e.g. sudo k0s status'),

  async run(context, { args, options: { json } }) {
    const { logIn } = await import('../lib/operation/login.ts')
    const { keyAdded } = await import('../lib/phases/vm/ssh-key.ts')
    await keyAdded(context)
    const passedOn = await logIn(args, context, json)
    return { passedOn, document: { args } }
  },
})
