import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import type { Duplex } from 'node:stream'
import { messageOf } from '../../lib/runtime/errors.ts'
import type { Hypervisor } from '../machine/types.ts'
import { Cloud } from './compute/cloud.ts'
import { serveDisks } from './compute/disks.ts'
import { serveInstances } from './compute/instances.ts'
import { Machines } from './compute/machines.ts'
import { serveNetworks } from './compute/networks.ts'
import { serveOperations } from './compute/operations.ts'
import { servePlaces } from './compute/places.ts'
import { serveSnapshots } from './compute/snapshots.ts'
import { ApiError, notFound } from './http/errors.ts'
import { failed, type Reply, Router } from './http/router.ts'
import { serveServiceAccounts } from './iam.ts'
import { Relay } from './iap/relay.ts'
import { startMetadataServer } from './metadata/server.ts'
import { serveProjects } from './projects.ts'
import { serveServiceUsage } from './service-usage.ts'
import { listenOnPort } from './sockets.ts'
import { State } from './state.ts'
import { serveBuckets } from './storage/buckets.ts'
import { serveObjects, serveXmlReads } from './storage/objects.ts'
import { Store } from './storage/store.ts'
import { serveUploads } from './storage/uploads.ts'

export interface GoogleOptions {
  /** Holds the state; disks and snapshots are made beside it, in `../disks` and `../snapshots`. */
  directory: string
  /** What every caller must bear. */
  token: string
  hypervisor: Hypervisor
  /** Unix socket of the machines' metadata server; none is started without. */
  metadataSocket?: string
  /** Taken if it is free, else another one. */
  port?: number
  /** Told about each answer worth a line in a log. */
  log?: (line: string) => void
}

export interface Google {
  port: number
  /** Ends all connections; operations under way still finish. */
  close(): Promise<void>
}

/** How soon the death of a machine is noticed. */
const NOTICE_EVERY_MS = 1000

/**
 * The stand-in for Google's APIs (Compute, Storage, IAM, Resource Manager, Service Usage), the metadata server and IAP's relay,
 * on one port of loopback.
 * @throws OpsError 4 when another one serves the same machines.
 */
export async function startGoogle({
  directory,
  token,
  hypervisor,
  metadataSocket,
  port = 0,
  log = () => undefined,
}: GoogleOptions): Promise<Google> {
  const state = new State(directory)
  const cloud = await Cloud.open(state, hypervisor, dirname(directory))
  const machines = new Machines(cloud)
  const { api, xml } = await routes(state, cloud)
  const relay = new Relay(cloud)
  const metadata = metadataSocket ? await startMetadataServer(metadataSocket, cloud, machines) : undefined

  cloud.operations.resume()
  await machines.notice()
  const noticing = every(NOTICE_EVERY_MS, () => machines.notice())

  const server = createServer((message, response) => {
    const started = performance.now()
    response.on('finish', () => {
      const { method, url = '' } = message
      const { statusCode } = response
      // The query may hold a token.
      const line = `${method} ${url.split('?')[0]} ${statusCode} ${Math.round(performance.now() - started)} ms`
      if (method !== 'GET' || (statusCode >= 400 && statusCode !== 404)) log(line)
    })
    void respond(api, xml, token, message, response)
  })
  // Whoever polls comes back on the connection that it has.
  server.keepAliveTimeout = 60_000
  server.on('upgrade', (message, socket, head) => upgrade(relay, token, message, socket, head))
  const listening = await listenOnPort(server, port)
  return {
    port: listening,
    async close() {
      clearInterval(noticing)
      metadata?.close()
      relay.close()
      await closed(server)
      await state.settled()
    },
  }
}

async function routes(state: State, cloud: Cloud): Promise<{ api: Router; xml: Router }> {
  const [api, xml] = [new Router(), new Router()]
  servePlaces(api)
  serveOperations(api, cloud.operations)
  serveNetworks(api, cloud)
  serveDisks(api, cloud)
  serveSnapshots(api, cloud)
  serveInstances(api, cloud)
  const accounts = await serveServiceAccounts(api, state)
  await serveServiceUsage(api, state)
  await serveProjects(api, state, accounts)
  const store = await Store.open(state)
  serveBuckets(api, store)
  serveUploads(api, store)
  serveObjects(api, store)
  serveXmlReads(xml, store)
  return { api, xml }
}

/** Anything else at the root is a bucket of the XML API. */
const API_PATH = /^\/(compute|v1|storage|b|upload|download|lab)(\/|$)/

async function respond(
  api: Router,
  xml: Router,
  token: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const url = new URL(message.url ?? '/', 'http://127.0.0.1')
    if (!isAuthorized(message, token)) throw unauthorized
    const reply = await (API_PATH.test(url.pathname) ? api : xml).route(message, url)
    if (!reply) throw notFound(url.pathname)
    send(response, reply)
  } catch (error) {
    if (!(error instanceof ApiError)) console.error(`${message.method} ${message.url?.split('?')[0]}:`, error)
    const known = error instanceof ApiError ? error : new ApiError(500, 'backendError', messageOf(error))
    send(response, failed(known))
  }
}

const unauthorized = new ApiError(401, 'authError', 'Invalid Credentials')

function isAuthorized(message: IncomingMessage, token: string, inQuery?: string | null): boolean {
  const presented = /^Bearer (.+)$/i.exec(message.headers.authorization ?? '')?.[1] ?? inQuery ?? ''
  const [left, right] = [Buffer.from(presented), Buffer.from(token)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Statuses that HTTP gives no body. */
const bodiless = [204, 304, 308]

function send(response: ServerResponse, { status = 200, json, content, headers = {} }: Reply): void {
  const body = json ? Buffer.from(JSON.stringify(json)) : content
  const type = json ? { 'content-type': 'application/json; charset=UTF-8' } : {}
  if (body === undefined || bodiless.includes(status)) {
    response.writeHead(status, headers)
    response.end()
    return
  }
  response.writeHead(status, { 'content-length': String(body.length), ...type, ...headers })
  response.end(body)
}

function upgrade(relay: Relay, token: string, message: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy())
  const url = new URL(message.url ?? '/', 'http://127.0.0.1')
  if (isAuthorized(message, token, url.searchParams.get('access_token'))) relay.upgrade(message, socket, head, url)
  else socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
}

/** Runs work again and again, never twice at once; its failures are told and do not end it. */
function every(ms: number, work: () => Promise<void>): NodeJS.Timeout {
  let running = false
  return setInterval(() => {
    if (running) return
    running = true
    work()
      .catch(error => console.error(messageOf(error)))
      .finally(() => {
        running = false
      })
  }, ms)
}

async function closed(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}
