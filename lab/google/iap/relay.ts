import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { messageOf } from '../../../lib/runtime/errors.ts'
import type { Cloud } from '../compute/cloud.ts'
import { addressOf, type Instance, networkOf } from '../compute/instance.ts'
import { iapReaches } from '../compute/reachability.ts'
import type { Faults } from '../faults.ts'
import { closeCodes, LARGEST_DATA, SUBPROTOCOL } from './frames.ts'
import { Session } from './session.ts'

/** IAP's TCP forwarding: WebSockets at `/v4/connect` and `/v4/reconnect`, connected to ports of instances. */
export class Relay {
  readonly #cloud: Cloud
  readonly #faults: Faults
  readonly #sessions = new Map<string, Session>()
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: 2 * LARGEST_DATA,
    handleProtocols: offered => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })

  constructor(cloud: Cloud, faults: Faults) {
    this.#cloud = cloud
    this.#faults = faults
  }

  /** Takes over a connection whose caller has been authorized. */
  upgrade(message: IncomingMessage, socket: Duplex, head: Buffer, url: URL): void {
    this.#server.handleUpgrade(message, socket, head, client => {
      client.on('error', () => client.terminate())
      if (url.pathname === '/v4/connect') void this.#connect(client, url.searchParams)
      else if (url.pathname === '/v4/reconnect') this.#reconnect(client, url.searchParams)
      else client.close(closeCodes.lookupFailed, 'no such endpoint')
    })
  }

  /**
   * Breaks every WebSocket without a closing handshake, as a network failure does; the connections behind them wait for their
   * clients.
   */
  cut(): void {
    for (const client of this.#server.clients) client.terminate()
  }

  close(): void {
    for (const session of this.#sessions.values()) session.end(closeCodes.normal, 'the relay is shutting down')
    this.cut()
  }

  async #connect(client: WebSocket, query: URLSearchParams): Promise<void> {
    const [project, zone, name] = ['project', 'zone', 'instance'].map(parameter => query.get(parameter))
    const instance = this.#cloud.find<Instance>('instances', `projects/${project}/zones/${zone}/instances/${name}`)
    if (instance?.status !== 'RUNNING') {
      client.close(closeCodes.lookupFailed, 'lookup failed')
      return
    }
    const port = Number(query.get('port'))
    // To the relay, a port blocked by a firewall looks like a backend that does not answer.
    if (!iapReaches(this.#cloud, instance, port)) {
      client.close(closeCodes.failedToConnect, 'failed to connect to backend')
      return
    }
    try {
      const backend = await this.#cloud.hypervisor.dial({ network: networkOf(instance), address: addressOf(instance) }, port)
      if (client.readyState !== client.OPEN) {
        backend.destroy()
        return
      }
      const session = new Session(backend, this.#faults, () => this.#sessions.delete(session.sid))
      this.#sessions.set(session.sid, session)
      session.connect(client)
    } catch (error) {
      client.close(closeCodes.failedToConnect, `failed to connect to backend: ${messageOf(error)}`.slice(0, 120))
    }
  }

  #reconnect(client: WebSocket, query: URLSearchParams): void {
    const session = this.#sessions.get(query.get('sid') ?? '')
    if (session) session.reconnect(client, /^\d+$/.test(query.get('ack') ?? '') ? Number(query.get('ack')) : Number.NaN)
    else client.close(closeCodes.sidUnknown, 'session is not known')
  }
}
