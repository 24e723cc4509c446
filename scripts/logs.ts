#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import { foreignArguments } from '../lib/command-line/options.ts'

export default environmentScript({
  name: 'logs',
  summary: "Show the logs of all pods of a service, with kubectl. It ends with kubectl's exit code.",

  define: command => foreignArguments(command, 'the service, and options of `kubectl logs`, e.g. nextjs --follow', 'service'),

  async run(context, { args, options: { json } }) {
    const { runKubectl } = await import('../lib/operation/kubectl.ts')
    const { serviceLogs } = await import('../lib/operation/service-logs.ts')
    const passedOn = await runKubectl(await serviceLogs(args, context), context, json)
    return { passedOn, document: { args } }
  },
})
