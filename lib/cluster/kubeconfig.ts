import type { RequestOptions } from 'node:https'
import { configuration, messageOf, precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import type { Connection } from './rest.ts'

/**
 * The connection of a kubeconfig's context, `tls-server-name` included: the server is the local end of a tunnel.
 * @throws OpsError 4 when there is no such file, 3 when it can't be read or the context is missing
 */
export async function readConnection(path: string, context: string): Promise<Connection> {
  const text = await readNamed(path)
  if (text === undefined) throw precondition(`there is no kubeconfig ${path}`, '`./taskw kubeconfig`')
  // Takes a quarter of a second to load.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    config.loadFromFile(path)
  } catch (error) {
    throw configuration(`the kubeconfig ${path} can't be read: ${messageOf(error)}`, '`./taskw kubeconfig`', error)
  }
  config.setCurrentContext(context)
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    const names = config.getContexts().map(({ name }) => name)
    throw configuration(
      `the kubeconfig ${path} has no context "${context}"; it has: ${names.join(', ') || 'none'}`,
      '`./taskw kubeconfig`',
    )
  }
  return {
    server: cluster.server,
    async options() {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      return options
    },
  }
}
