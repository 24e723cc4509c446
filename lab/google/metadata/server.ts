import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { answering, decoded, destroyOnError, targetOf } from '../../../lib/runtime/serving.ts'
import { onlyFor } from '../../http/hosts.ts'
import { METADATA } from '../../machine/network.ts'
import { type Peer, parseProxyHeader } from '../../machine/proxy-protocol.ts'
import type { Cloud } from '../compute/cloud.ts'
import { addressOf, type Instance, networkOf } from '../compute/instance.ts'
import { publishesGuestAttributes } from '../compute/instances.ts'
import type { Machines } from '../compute/machines.ts'
import { pathOfResource, segmentAfter } from '../compute/resource.ts'
import { listenOnSocket } from '../sockets.ts'
import { type Answer, answer } from './answer.ts'
import { metadataTree } from './tree.ts'

const ROOT = '/computeMetadata/v1/'
/** As what a machine may ask for it. */
const NAMES: readonly string[] = ['metadata.google.internal', 'metadata', METADATA, 'localhost']
const METHODS = ['GET', 'PUT', 'DELETE']
const LARGEST_GUEST_ATTRIBUTE = 256 * 1024

/**
 * The metadata server of all machines, on a Unix socket. A forwarder sends the network and source address ahead of each
 * connection, which identify the machine that asks.
 */
export async function startMetadataServer(socketPath: string, cloud: Cloud, machines: Machines): Promise<{ close(): void }> {
  const guests = new WeakMap<Socket, Peer>()
  const metadata = new MetadataServer(cloud, machines)
  const handle = answering(
    (message, response) => metadata.handle(message, response, guests.get(message.socket)),
    (response, status, message) => send(response, status, `${message}\n`),
  )
  const http = onlyFor(NAMES, createHttpServer(handle))
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    destroyOnError(socket)
    readProxyHeader(socket, peer => {
      guests.set(socket, peer)
      http.emit('connection', socket)
      // The socket was paused while the header was read; the HTTP server expects a flowing one.
      socket.resume()
    })
  })
  await listenOnSocket(server, socketPath)
  return {
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Reads the forwarder's header from a new connection; a connection without one is closed. */
function readProxyHeader(socket: Socket, ready: (peer: Peer) => void): void {
  let head = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk])
    try {
      const header = parseProxyHeader(head)
      if (!header) return
      socket.off('data', onData)
      socket.pause()
      socket.unshift(head.subarray(header.length))
      ready(header.peer)
    } catch {
      socket.destroy()
    }
  }
  socket.on('data', onData)
}

class MetadataServer {
  readonly #cloud: Cloud
  readonly #machines: Machines
  /** Valid nowhere: a machine's identity is not the operator's. */
  readonly #accessToken = `ya29.lab-${randomBytes(24).toString('base64url')}`

  constructor(cloud: Cloud, machines: Machines) {
    this.#cloud = cloud
    this.#machines = machines
  }

  async handle(message: IncomingMessage, response: ServerResponse, peer: Peer | undefined): Promise<void> {
    const url = targetOf(message)
    if (!METHODS.includes(message.method ?? '')) return send(response, 405, 'Method Not Allowed\n')
    const instance = this.#cloud
      .all<Instance>('instances')
      .find(
        candidate =>
          addressOf(candidate) === peer?.address && this.#cloud.hypervisor.namespaceOf(networkOf(candidate)) === peer.namespace,
      )
    if (!instance) return send(response, 404, 'No machine has this address.\n')
    if (url.pathname === '/') return send(response, 200, 'computeMetadata/\n')
    if (message.headers['x-forwarded-for'] || message.headers['metadata-flavor']?.toString().toLowerCase() !== 'google') {
      return send(response, 403, 'Missing Metadata-Flavor:Google header.\n')
    }
    if (!url.pathname.startsWith(ROOT)) return send(response, 404, 'Not Found\n')
    const path = decoded(url.pathname.slice(ROOT.length))
    const instancePath = pathOfResource(instance)
    if (message.method === 'GET') return this.#get(message, response, instancePath, path, url.searchParams)
    const [, namespace, key, more] = /^instance\/guest-attributes\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? []
    if (!namespace || !key || more) return send(response, 405, 'Method Not Allowed\n')
    if (!publishesGuestAttributes(this.#cloud, instance))
      return send(response, 403, 'Guest attributes endpoint access is disabled.\n')
    if (message.method === 'PUT') {
      const value = await bodyOf(message)
      if (value === undefined) return send(response, 413, 'Value too large.\n')
      await this.#cloud.guestAttributes.put(instancePath, { namespace, key, value })
    } else if (message.method === 'DELETE') {
      await this.#cloud.guestAttributes.remove(instancePath, { namespace, key })
    } else return send(response, 405, 'Method Not Allowed\n')
    this.#cloud.changes.emit('change')
    send(response, 200, '')
  }

  async #get(
    message: IncomingMessage,
    response: ServerResponse,
    instance: string,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    if (query.get('wait_for_change')?.toLowerCase() !== 'true') return sendAnswer(response, this.#answer(instance, path, query))
    const known = query.get('last_etag') ?? this.#answer(instance, path, query).etag
    const changed = await this.#change(message, instance, path, query, known)
    if (changed) sendAnswer(response, changed)
  }

  /**
   * Resolves with the first value that differs from the known one, or at the timeout with the current one; undefined when the
   * guest has disconnected.
   */
  #change(
    message: IncomingMessage,
    instance: string,
    path: string,
    query: URLSearchParams,
    known: string,
  ): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
    const check = (): void => {
      const now = this.#answer(instance, path, query)
      if (now.etag !== known) resolve(now)
    }
    const gone = (): void => resolve(undefined)
    const seconds = Number(query.get('timeout_sec') ?? 0)
    const timer = seconds > 0 ? setTimeout(() => resolve(this.#answer(instance, path, query)), seconds * 1000) : undefined
    this.#cloud.changes.on('change', check)
    message.socket.once('close', gone)
    check()
    return promise.finally(() => {
      clearTimeout(timer)
      this.#cloud.changes.off('change', check)
      message.socket.off('close', gone)
    })
  }

  #answer(instancePath: string, path: string, query: URLSearchParams): Answer {
    const instance = this.#cloud.find<Instance>('instances', instancePath)
    if (!instance) return { status: 404, text: 'Not Found\n', type: 'application/text', etag: '0' }
    const tree = metadataTree({
      instance,
      projectMetadata: this.#cloud.projectMetadata(segmentAfter(instancePath, 'projects') ?? ''),
      accessToken: this.#accessToken,
      preempted: this.#machines.preempted(instancePath),
      guestAttributes: this.#cloud.guestAttributes.query(instancePath),
    })
    return answer(tree, path, query)
  }
}

async function bodyOf(message: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message) {
    size += chunk.length
    if (size > LARGEST_GUEST_ATTRIBUTE) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const sendAnswer = (response: ServerResponse, { status, text, type, etag }: Answer): void =>
  send(response, status, text, { type, etag })

function send(response: ServerResponse, status: number, text: string, { type = 'application/text', etag = '' } = {}): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'metadata-flavor': 'Google',
    server: 'Metadata Server for VM',
    ...(etag ? { etag } : {}),
  })
  response.end(text)
}
