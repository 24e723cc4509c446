import type { Inventory } from '../health/inventory.ts'
import { type Application, isLive, type Pod, type Service } from '../health/objects.ts'

import { updaterImages } from '../image/updater.ts'
import { namespacedName } from '../namespaced-name.ts'

/** Those of Kubernetes and of k0s are there in every cluster. */
const isOfCluster = (namespace = ''): boolean => /^(kube-|k0s-)/.test(namespace) || namespace === 'default'

type Counted = Pick<Inventory, 'pods' | 'volumeClaims' | 'applications'>

/** What `verify` expects: what runs now. */
export function expectationsOf({ pods, volumeClaims, applications }: Counted) {
  const lasting = pods.filter(pod => isLive(pod) && !isOfCluster(pod.metadata.namespace) && !isOfJob(pod))
  const counts = Map.groupBy(lasting, ({ metadata }) => metadata.namespace ?? '')
  return {
    namespaces: Object.fromEntries(
      [...counts]
        .map(([namespace, { length }]): [string, { pods: number }] => [namespace, { pods: length }])
        .sort(([one], [other]) => one.localeCompare(other)),
    ),
    applications: applications.map(namespacedName).sort(),
    volumes: volumeClaims.map(namespacedName).sort(),
  }
}

/** It ends by itself. */
const isOfJob = ({ metadata: { ownerReferences = [] } }: Pod): boolean => ownerReferences.some(({ kind }) => kind === 'Job')

/** Local ports below are root's. */
const FIRST_PORT = 1024
const LAST_PORT = 65_535
const RAISED_BY = 8000

/** What `tunnel` may open, by name: Services with one port that pods answer for. Those of Argo CD's parts but its server, nobody visits. */
export function servicesOf({ services, applications }: Pick<Inventory, 'services' | 'applications'>) {
  const visited = new Set(applications.flatMap(({ spec }) => spec?.destination?.namespace ?? []))
  const chosen = services
    .filter(service => isArgo(service) || visited.has(service.metadata.namespace ?? ''))
    .filter(isForwarded)
  const taken = new Set<number>()
  const names = new Set<string>()
  return Object.fromEntries(
    chosen.sort(byName).flatMap(service => {
      const { name, namespace = '' } = service.metadata
      const own = isArgo(service) ? 'argocd' : name
      const key = names.has(own) ? `${namespace}-${own}` : own
      const port = portOf(service)
      if (names.has(key) || port === undefined) return []
      names.add(key)
      return [
        [key, { namespace, service: name, port: port.name ?? port.port, localPort: free(port.port, taken), ...shown(port) }],
      ]
    }),
  )
}

const isArgo = ({ metadata }: Service): boolean => metadata.labels?.['app.kubernetes.io/name'] === 'argocd-server'

const isForwarded = ({ spec }: Service): boolean => Object.keys(spec?.selector ?? {}).length > 0

const byName = (one: Service, other: Service): number => namespacedName(one).localeCompare(namespacedName(other))

/** Argo CD's server has both. */
const portOf = ({ spec }: Service) => {
  const ports = spec?.ports ?? []
  return ports.find(({ name }) => name === 'https') ?? ports[0]
}

function free(port: number, taken: Set<number>): number {
  let local = port < FIRST_PORT ? port + RAISED_BY : port
  while (taken.has(local) && local < LAST_PORT) local += 1
  taken.add(local)
  return local
}

const SCHEMES: Record<number, string> = { 443: 'https', 8443: 'https', 5432: 'postgresql', 6379: 'redis' }
const shown = ({ port }: { port: number }) => (SCHEMES[port] === undefined ? {} : { scheme: SCHEMES[port] })

/** What an Application delivers: its images, and where they come from. Undefined without an image of its own. */
export function deliveryOf(application: Application) {
  const { spec } = application
  const source = spec?.source ?? spec?.sources?.[0]
  const images = updaterImages(application).map(({ image }) => image)
  if (images.length === 0) return undefined
  const repository = /(?:^|[@/])github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(source?.repoURL ?? '')?.[1]
  const branch = source?.targetRevision
  return {
    application: namespacedName(application),
    namespace: spec?.destination?.namespace,
    repository,
    ...(branch !== undefined && branch !== 'HEAD' && { branch }),
    images,
  }
}
