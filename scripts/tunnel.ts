#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { once } from 'node:events'
import { environmentScript } from '../lib/command-line/environment.ts'

export default environmentScript({
  name: 'tunnel',
  summary: "Forward the kubeconfig's local port to the Kubernetes API, until Ctrl-C.",

  async run({ tunnel, output, baseLayer, dial, log, signal }) {
    const { API_PORT } = await import('../lib/model/ports.ts')

    // Fail here with a reason, rather than at the first connection.
    ;(await dial(API_PORT)).destroy()
    const { port, own } = await tunnel()
    const context = await output(baseLayer, 'kube_context')
    if (!own)
      return { document: { port, own }, text: `Another process, perhaps a tunnel, already listens on 127.0.0.1:${port}.` }
    log.info(`127.0.0.1:${port} reaches the Kubernetes API of ${context}. Ctrl-C ends it.`)
    if (!signal.aborted) await once(signal, 'abort')
    return { document: { port, own } }
  },
})
