import { once } from 'node:events'
import { createServer } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from '../runtime/errors.ts'

export interface Tunnel {
  port: number
  /** False when another process was already listening on the port; this one takes its place when that ends. */
  own: boolean
  close(): Promise<void>
}

/** How soon after another run's tunnel has ended this one's takes its place, in milliseconds. */
const TAKE_OVER_MS = 100

/**
 * Listens on 127.0.0.1:`port` and forwards each connection through `dial`. If the port is taken, whatever listens there is used for as
 * long as it lasts, and then this tunnel takes its place: it is likely the operator's own `./taskw tunnel` or that of another run, and
 * any other server fails the cluster's certificate check.
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
  const listen = async (): Promise<boolean> => {
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return true
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') throw error
      return false
    }
  }

  const closing = new AbortController()
  const takeOver = async () => {
    do await sleep(TAKE_OVER_MS, undefined, { ref: false, signal: closing.signal })
    while (!(await listen()))
  }
  const own = await listen()
  // It is closed meanwhile, or whoever dials learns what is wrong with the port.
  const taken = own ? Promise.resolve() : takeOver().catch(() => undefined)
  return {
    port,
    own,
    async close() {
      closing.abort()
      await taken
      for (const stream of clients) stream.destroy()
      if (server.listening) await new Promise(resolve => server.close(resolve))
    },
  }
}
