import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { destroyOnError, refuseUpgrade, statusOf, targetOf } from '../../lib/runtime/serving.ts'
import { LOOPBACK, onlyFor } from '../http/hosts.ts'
import type { Hypervisor } from '../machine/types.ts'
import { ensureCertificate } from './certificate.ts'
import { serveAddresses } from './compute/addresses.ts'
import { Cloud } from './compute/cloud.ts'
import { serveDisks } from './compute/disks.ts'
import { serveFirewalls } from './compute/firewalls.ts'
import { serveImages } from './compute/images.ts'
import { serveInstances } from './compute/instances.ts'
import { type Limits, usualLimits } from './compute/limits.ts'
import { Machines } from './compute/machines.ts'
import { serveNetworks } from './compute/networks.ts'
import { serveOperations } from './compute/operations.ts'
import { servePlaces } from './compute/places.ts'
import { serveRouters } from './compute/routers.ts'
import { serveSnapshots } from './compute/snapshots.ts'
import { every } from './every.ts'
import { Faults } from './faults.ts'
import { createFront } from './front.ts'
import { Rate } from './http/rate.ts'
import { Router } from './http/router.ts'
import { ServiceAccounts, serveServiceAccounts } from './iam.ts'
import { Relay } from './iap/relay.ts'
import { serveLab } from './lab-api.ts'
import { startMetadataServer } from './metadata/server.ts'
import { Phases } from './phases.ts'
import { Policies } from './policies.ts'
import { serveProjects } from './projects.ts'
import { serveServiceUsage } from './service-usage.ts'
import { listenOnPort } from './sockets.ts'
import { State } from './state.ts'
import { serveBuckets } from './storage/buckets.ts'
import { serveCopies } from './storage/copies.ts'
import { serveObjects, serveXmlReads } from './storage/objects.ts'
import { Store } from './storage/store.ts'
import { serveUploads } from './storage/uploads.ts'
import { isAuthorized, serveTokens } from './token.ts'

export interface GoogleOptions {
  /** Contains the state; disks and snapshots are created beside it, in `../disks` and `../snapshots`. */
  directory: string
  /** The bearer token that every caller needs. */
  token: string
  hypervisor: Hypervisor
  /** Unix socket of the machines' metadata server; none is started without. */
  metadataSocket?: string
  /** Preferred ports; if taken, others are used. */
  port?: number
  tlsPort?: number
  /** Folder of the toolkit's journals, for faults that wait for a phase. */
  runs?: string
  /** Ids of the machines that were running when the lab went down: they are booted again. */
  resting?: readonly string[]
  /** Google's usual limits by default. */
  limits?: Limits
  /** Called for each answer worth logging. */
  log?: (line: string) => void
}

export interface Google {
  port: number
  /** The same behind TLS, with the lab's own certificate: gsutil accepts nothing else. */
  tlsPort: number
  /** The file of that certificate, which is self-signed. */
  certificateFile: string
  /** Closes all connections; running operations still finish. */
  close(): Promise<void>
}

/** How often to check for machines that have died. */
const NOTICE_EVERY_MS = 1000
/** How often to check whether the host's disk is full. */
const ROOM_EVERY_MS = 250

/**
 * The stand-in for Google's APIs (Compute, Storage, IAM, Resource Manager, Service Usage), the metadata server and IAP's relay,
 * on one port of loopback.
 * @throws OpsError 4 when another one serves the same machines
 */
export async function startGoogle({
  directory,
  token,
  hypervisor,
  metadataSocket,
  runs = join(directory, 'runs'),
  port = 0,
  tlsPort = 0,
  resting = [],
  limits = usualLimits,
  log = () => undefined,
}: GoogleOptions): Promise<Google> {
  const state = new State(directory)
  await state.room.keep()
  const faults = new Faults()
  const cloud = await Cloud.open(state, {
    hypervisor,
    labDirectory: dirname(directory),
    faults,
    limits: structuredClone(limits),
  })
  const machines = new Machines(cloud)
  const relay = new Relay(cloud, faults)
  const routers = await routes(state, cloud, token)
  serveLab(routers.api, faults, relay, cloud.limits)
  const certificate = await ensureCertificate(join(directory, 'tls'))
  const metadata = metadataSocket ? await startMetadataServer(metadataSocket, cloud, machines) : undefined

  cloud.operations.resume()
  await machines.bootAgain(resting)
  await machines.notice()
  const noticing = every(NOTICE_EVERY_MS, () => machines.notice())
  const watching = every(ROOM_EVERY_MS, async () => {
    if (await state.room.isShort()) await machines.endForRoom(state.room)
  })
  const phases = new Phases(cloud, faults, runs)

  const rate = new Rate(() => cloud.limits.requestsPerMinute)
  const front = createFront({ ...routers, token, room: state.room, faults, rate, log })
  const servers = [createServer(front), createTlsServer(certificate, front)] as const
  for (const server of servers) {
    // Clients that poll reuse their connection.
    server.keepAliveTimeout = 60_000
    server.on('upgrade', (message, socket, head) => upgrade({ relay, token, faults }, message, socket, head))
    onlyFor(LOOPBACK, server)
  }
  return {
    port: await listenOnPort(servers[0], port),
    tlsPort: await listenOnPort(servers[1], tlsPort),
    certificateFile: certificate.file,
    async close() {
      clearInterval(noticing)
      clearInterval(watching)
      faults.clear()
      phases.close()
      metadata?.close()
      relay.close()
      await Promise.all(servers.map(closed))
      await state.settled()
    },
  }
}

async function routes(state: State, cloud: Cloud, token: string) {
  const [api, xml, open] = [new Router(), new Router(), new Router()]
  serveTokens(open, token)
  servePlaces(api, cloud)
  serveOperations(api, cloud.operations)
  serveNetworks(api, cloud)
  serveFirewalls(api, cloud)
  serveRouters(api, cloud)
  serveAddresses(api, cloud)
  serveDisks(api, cloud)
  serveImages(api, cloud)
  serveSnapshots(api, cloud)
  serveInstances(api, cloud)
  const accounts = await ServiceAccounts.open(state)
  const policies = await Policies.open(state, email => accounts.exists(email))
  serveServiceAccounts(api, accounts, policies)
  await serveServiceUsage(api, state)
  serveProjects(api, policies)
  const store = await Store.open(state)
  serveBuckets(api, store, policies)
  serveUploads(api, store)
  serveCopies(api, store)
  serveObjects(api, store)
  serveXmlReads(xml, store)
  return { api, xml, open }
}

interface Relaying {
  relay: Relay
  token: string
  faults: Faults
}

function upgrade(relaying: Relaying, message: IncomingMessage, socket: Duplex, head: Buffer): void {
  destroyOnError(socket)
  try {
    take(relaying, message, socket, head)
  } catch (error) {
    refuseUpgrade(socket, statusOf(error))
  }
}

/** @throws BadRequest */
function take({ relay, token, faults }: Relaying, message: IncomingMessage, socket: Duplex, head: Buffer): void {
  const url = targetOf(message)
  const { cut, answer, tokenExpired } = faults.request('GET', url.pathname)
  const isAllowed = !tokenExpired && isAuthorized(message.headers, token, url.searchParams.get('access_token'))
  if (cut) socket.destroy()
  else if (!isAllowed) refuseUpgrade(socket, 401)
  else if (answer) refuseUpgrade(socket, answer.status)
  else relay.upgrade(message, socket, head, url)
}

async function closed(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}
