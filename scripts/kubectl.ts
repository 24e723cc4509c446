#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import { foreignArguments } from '../lib/command-line/options.ts'

export default environmentScript({
  name: 'kubectl',
  summary: "Run kubectl on the cluster, through a tunnel of its own when none is open. It ends with kubectl's exit code.",

  define: command => foreignArguments(command, 'arguments of kubectl, e.g. get pods -A'),

  async run(context, { args, options: { json } }) {
    const { runKubectl } = await import('../lib/operation/kubectl.ts')
    const passedOn = await runKubectl(args, context, json)
    return { passedOn, document: { args } }
  },
})
