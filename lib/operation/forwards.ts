import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { kinds } from '../cluster/kinds.ts'
import type { Environment } from '../config/schema.ts'
import { didYouMean } from '../config/suggest.ts'
import { type PodPort, podBehind, urlOf } from '../model/access/forward.ts'
import type { Pod, Service } from '../model/health/objects.ts'
import { external, messageOf, type OpsError, precondition, systemCode, usage } from '../runtime/errors.ts'
import { holderText, portHolder } from '../runtime/port-holder.ts'
import { waitFor } from '../runtime/wait.ts'
import type { Context } from './context.ts'

export type OpenedService = Environment['access']['services'][string] & { name: string }

type ForwardContext = Pick<Context, 'cluster' | 'signal' | 'log'>

/** How long whoever connects waits for a pod that is being replaced, and how often is looked for one. In milliseconds. */
const POD_WITHIN_MS = 30_000
const POD_EVERY_MS = 1000
/** A browser opens several connections at once: so long, in milliseconds, the pod that was found is taken for the one. */
const FRESH_MS = 2000

/** The services of these names, each once. @throws OpsError 2 for a name that the environment does not have */
export function chosenServices(names: readonly string[], { name: env, access }: Environment): OpenedService[] {
  const known = Object.keys(access.services)
  return [...new Set(names)].map(name => {
    const service = Object.hasOwn(access.services, name) ? access.services[name] : undefined
    if (service) return { name, ...service }
    throw usage(
      `${env} has no service "${name}"${didYouMean(name, known)}`,
      known.length > 0 ? `one of: ${known.join(', ')}` : `list it under access.services in environments/${env}.yaml`,
    )
  })
}

/** Where it is, and where its login is. */
export const serviceLine = (service: Pick<OpenedService, 'name' | 'scheme' | 'path' | 'localPort' | 'login'>): string =>
  `${service.name}  ${urlOf(service)}${service.login === undefined ? '' : `  (${service.login})`}`

/** Services that can be reached on local ports. */
export interface Forwards {
  close(): Promise<void>
}

/**
 * Listens on each service's local port, and takes every connection to a pod that is ready then: when one is replaced, the next
 * connection goes to its successor.
 * @throws OpsError 4 when a port is in use, with who holds it, or when a service can't be forwarded to; nothing stays open then
 */
export async function openForwards(services: readonly OpenedService[], context: ForwardContext): Promise<Forwards> {
  const servers: Server[] = []
  const streams = new Set<Duplex>()
  const close = async () => {
    for (const stream of streams) stream.destroy()
    await Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))))
  }
  try {
    const opening = services.map(async service => {
      const find = finder(service, context)
      // What will never be found is said now, and not to whoever connects.
      await find.once()
      servers.push(await listening(service, client => void forward(client, service, { find, streams, context })))
    })
    const ends = await Promise.allSettled(opening)
    const failures = ends.flatMap(end => (end.status === 'rejected' ? (end.reason as OpsError) : []))
    if (failures.length > 0) throw together(failures)
  } catch (error) {
    await close()
    throw error
  }
  return { close }
}

/** All at once: the next try would only meet the next one. */
function together(failures: OpsError[]): OpsError {
  const [first] = failures as [OpsError, ...OpsError[]]
  if (failures.length === 1) return first
  return precondition(failures.map(({ message }) => message).join('\n'), first.hint, first)
}

interface Finder {
  /** A ready pod, waited for. */
  pod(): Promise<PodPort>
  /** Looks once. @throws OpsError 4 where waiting would be of no use */
  once(): Promise<PodPort | undefined>
  /** It was not there: look again. */
  forget(): void
}

function finder({ namespace, service: name, port }: OpenedService, { cluster, signal }: ForwardContext): Finder {
  let found: { pod: PodPort; at: number } | undefined
  const look = async (): Promise<PodPort | undefined> => {
    const client = await cluster()
    const [service, pods] = await Promise.all([
      client.get<Service>(kinds.services, { namespace, name }, signal),
      client.list<Pod>(kinds.pods, namespace, signal),
    ])
    if (!service)
      throw precondition(
        `there is no Service ${namespace}/${name}`,
        'correct access.services, or `./taskw verify` says what is missing',
      )
    const behind = podBehind(service, port, pods)
    if ('pod' in behind) {
      found = { pod: behind, at: performance.now() }
      return behind
    }
    if (behind.healing) return undefined
    throw precondition(behind.missing, "correct access.services in the environment's file, or the Service")
  }
  return {
    once: look,
    forget: () => {
      found = undefined
    },
    async pod() {
      if (found && performance.now() - found.at < FRESH_MS) return found.pod
      return waitFor({
        what: `a ready pod behind ${namespace}/${name}`,
        within: POD_WITHIN_MS,
        every: POD_EVERY_MS,
        signal,
        hint: '`./taskw verify` says what is wrong with it',
        probe: look,
      })
    },
  }
}

async function listening({ name, localPort }: OpenedService, serve: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, serve)
  try {
    server.listen(localPort, '127.0.0.1')
    await once(server, 'listening')
    return server
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE')
      throw external(
        `${name}: can't listen on port ${localPort} of 127.0.0.1: ${messageOf(error)}`,
        'give it another localPort',
        error,
      )
    throw precondition(
      `${name}: port ${localPort} is in use ${holderText(await portHolder(localPort))}`,
      `end it if it is yours, or give ${name} another localPort under access.services`,
      error,
    )
  }
}

interface Forwarding {
  find: Finder
  streams: Set<Duplex>
  context: ForwardContext
}

async function forward(
  client: Socket,
  { name, namespace }: OpenedService,
  { find, streams, context }: Forwarding,
): Promise<void> {
  const { cluster, signal, log } = context
  const keep = (stream: Duplex) => {
    streams.add(stream)
    stream.on('close', () => streams.delete(stream))
  }
  keep(client.on('error', () => client.destroy()))
  const failed = (error: unknown) => {
    find.forget()
    client.destroy()
    if (!signal.aborted) log.warn(`${name}: ${messageOf(error)}`)
  }
  const dial = async () => {
    const { pod, port } = await find.pod()
    return (await cluster()).dial({ namespace, pod, port }, signal)
  }
  try {
    // The pod may have been replaced since it was found.
    const remote = await dial().catch(() => {
      find.forget()
      return dial()
    })
    keep(remote)
    remote.on('error', failed)
    pipeline(client, remote, () => undefined)
    pipeline(remote, client, () => remote.destroy())
  } catch (error) {
    failed(error)
  }
}
