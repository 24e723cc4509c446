import { createConnection, type Server } from 'node:net'
import { createForwarder } from '../forwarding.ts'
import type { Addresses } from './addresses.ts'
import type { Api } from './api.ts'
import { type EndpointSlice, namespaceOf, type Service } from './kubernetes.ts'

/** Where to listen for a service, and the pods that answer. */
export interface Listener {
  address: string
  port: number
  backends: { host: string; port: number }[]
}

const EVERY_ADDRESS = '0.0.0.0'

const log = (text: string): void => void process.stdout.write(`kube-proxy: ${text}\n`)

/**
 * The listeners of a service: at its cluster address and, for a node port, at every address of the machine, as long as a pod is
 * ready. Otherwise connections are refused, as with kube-proxy.
 */
export function listenersOf(
  { spec }: Service,
  slices: readonly EndpointSlice[],
  isServed: (address: string) => boolean,
): Listener[] {
  const { clusterIP, ports = [] } = spec
  if (!clusterIP || clusterIP === 'None') return []
  return ports.flatMap(({ name, port, nodePort }) => {
    const backends = slices.flatMap(slice => backendsOf(slice, name).filter(({ host }) => isServed(host)))
    if (backends.length === 0) return []
    const own = { address: clusterIP, port, backends }
    return nodePort ? [own, { address: EVERY_ADDRESS, port: nodePort, backends }] : [own]
  })
}

function backendsOf({ endpoints, ports }: EndpointSlice, portName: string | undefined): Listener['backends'] {
  const port = ports?.find(({ name }) => (name ?? '') === (portName ?? ''))?.port
  if (port === undefined) return []
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ addresses: [host = ''] }) => ({ host, port }))
}

/** The lines of a pod's /etc/hosts that replace the cluster's DNS: services by the names that work in the namespace. */
export function serviceNames(services: Iterable<Service>, namespace: string): string {
  const lines = [...services].flatMap(service => {
    const { clusterIP } = service.spec
    if (!clusterIP || clusterIP === 'None') return []
    const qualified = `${service.metadata.name}.${namespaceOf(service)}`
    const names = [`${qualified}.svc.cluster.local`, `${qualified}.svc`, qualified]
    if (namespaceOf(service) === namespace) names.push(service.metadata.name)
    return [`${clusterIP}\t${names.join('\t')}\n`]
  })
  return lines.sort().join('')
}

interface Open {
  server: Server
  backends: Listener['backends']
}

/** kube-proxy's stand-in: watches services and endpoints, and forwards connections to pods that have a process. */
export class Services {
  readonly #api: Api
  readonly #addresses: Addresses
  readonly #isServed: (address: string) => boolean
  readonly #services = new Map<string, Service>()
  readonly #slices = new Map<string, EndpointSlice>()
  readonly #open = new Map<string, Open>()
  readonly #held = new Set<string>()
  #arranging: Promise<void> = Promise.resolve()
  #arranged = true
  /** Called when names may have changed. */
  onNames: () => void = () => undefined

  constructor(api: Api, addresses: Addresses, isServed: (address: string) => boolean) {
    this.#api = api
    this.#addresses = addresses
    this.#isServed = isServed
  }

  follow(): void {
    void this.#api.follow<Service>(
      '/api/v1/services',
      this.#collect(this.#services, () => this.onNames()),
    )
    void this.#api.follow<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', this.#collect(this.#slices))
  }

  namesFor(namespace: string): string {
    return serviceNames(this.#services.values(), namespace)
  }

  /** Updates the listeners; a burst of changes results in one update. */
  arrange(): void {
    if (!this.#arranged) return
    this.#arranged = false
    this.#arranging = this.#arranging.then(() => {
      this.#arranged = true
      return this.#arrangeNow().catch(error => log((error as Error).message))
    })
  }

  async #arrangeNow(): Promise<void> {
    const wanted = new Map(this.#wanted().map(listener => [`${listener.address}:${listener.port}`, listener]))
    for (const [key, { server }] of this.#open) {
      if (wanted.has(key)) continue
      server.close()
      this.#open.delete(key)
    }
    for (const [key, listener] of wanted) await this.#listen(key, listener)
    const kept = new Set([...wanted.values()].map(({ address }) => address))
    for (const address of this.#held) if (!kept.has(address)) await this.#release(address)
  }

  async #release(address: string): Promise<void> {
    this.#held.delete(address)
    await this.#addresses.release(address)
  }

  #wanted(): Listener[] {
    return [...this.#services.values()].flatMap(service => {
      const slices = [...this.#slices.values()].filter(
        slice =>
          namespaceOf(slice) === namespaceOf(service) &&
          slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
      )
      return listenersOf(service, slices, this.#isServed)
    })
  }

  async #listen(key: string, { address, port, backends }: Listener): Promise<void> {
    const open = this.#open.get(key)
    if (open) {
      open.backends = backends
      return
    }
    if (address !== EVERY_ADDRESS) {
      this.#held.add(address)
      await this.#addresses.hold(address)
    }
    const server = createForwarder(() => {
      const backend = entry.backends[Math.floor(Math.random() * entry.backends.length)]
      return backend && createConnection({ ...backend, allowHalfOpen: true })
    })
    const entry: Open = { backends, server }
    const failed = await new Promise<Error | undefined>(resolve => {
      entry.server.once('error', resolve).listen({ host: address, port }, () => resolve(undefined))
    })
    if (failed) log(failed.message)
    else this.#open.set(key, entry)
  }

  #collect<T extends Service | EndpointSlice>(into: Map<string, T>, onChange: () => void = () => undefined) {
    return {
      seen: (object: T) => {
        into.set(object.metadata.uid, object)
        onChange()
        this.arrange()
      },
      gone: (object: T) => {
        into.delete(object.metadata.uid)
        onChange()
        this.arrange()
      },
    }
  }
}
