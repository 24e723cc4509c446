import { createServer } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { systemCode } from '../runtime/errors.ts'

export interface Tunnel {
  port: number
  /** False when another process was already listening on the port. */
  own: boolean
  close(): Promise<void>
}

/**
 * Listens on 127.0.0.1:`port` and forwards each connection through `dial`. If the port is taken, whatever listens there is used: it
 * is likely the operator's own `./taskw tunnel`, and any other server fails the cluster's certificate check.
 */
export async function openTunnel(port: number, dial: () => Promise<Duplex>): Promise<Tunnel> {
  const clients = new Set<Duplex>()
  const server = createServer(client => {
    clients.add(client)
    client.on('close', () => clients.delete(client))
    client.on('error', () => client.destroy())
    dial().then(
      remote => {
        clients.add(remote)
        pipeline(client, remote, () => client.destroy())
        pipeline(remote, client, () => {
          clients.delete(remote)
          remote.destroy()
        })
      },
      () => client.destroy(),
    )
  })
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw error
    return { port, own: false, close: async () => undefined }
  }
  return {
    port,
    own: true,
    close: () =>
      new Promise(resolve => {
        for (const stream of clients) stream.destroy()
        server.close(() => resolve())
      }),
  }
}
