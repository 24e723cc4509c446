import type { InventoryKind } from '../model/health/inventory.ts'

/** Where the API server serves a kind of object. */
export interface Kind {
  /** `/api/v1`, `/apis/apps/v1`. */
  base: string
  plural: string
  namespaced: boolean
}

const kind =
  (base: string, namespaced = true) =>
  (plural: string): Kind => ({ base, plural, namespaced })

const core = kind('/api/v1')
const coreCluster = kind('/api/v1', false)
const apps = kind('/apis/apps/v1')

export const kinds: Record<InventoryKind, Kind> = {
  nodes: coreCluster('nodes'),
  namespaces: coreCluster('namespaces'),
  pods: core('pods'),
  services: core('services'),
  volumeClaims: core('persistentvolumeclaims'),
  deployments: apps('deployments'),
  replicaSets: apps('replicasets'),
  statefulSets: apps('statefulsets'),
  daemonSets: apps('daemonsets'),
  leases: kind('/apis/coordination.k8s.io/v1')('leases'),
  jobs: kind('/apis/batch/v1')('jobs'),
  storageClasses: kind('/apis/storage.k8s.io/v1', false)('storageclasses'),
  endpointSlices: kind('/apis/discovery.k8s.io/v1')('endpointslices'),
  applications: kind('/apis/argoproj.io/v1alpha1')('applications'),
}

/** What only the layers' phases read: Helm's release records, and what releases leave behind. */
export const secrets = core('secrets')
export const customResourceDefinitions = kind('/apis/apiextensions.k8s.io/v1', false)('customresourcedefinitions')

/** What only a drill's markers need. */
export const configMaps = core('configmaps')
export const persistentVolumes = coreCluster('persistentvolumes')

/** What only following a bump reads. */
export const events = core('events')

/** By whichever version the server serves. */
export const imageUpdaters = (version: string): Kind =>
  kind(`/apis/argocd-image-updater.argoproj.io/${version}`)('imageupdaters')
export const externalSecrets = (version: string): Kind => kind(`/apis/external-secrets.io/${version}`)('externalsecrets')

/** The path of an object, or without a name of a collection; without a namespace, of all namespaces. */
export function pathOf(
  { base, plural, namespaced }: Kind,
  { namespace, name }: { namespace?: string; name?: string } = {},
): string {
  const parts = [base]
  if (namespaced && namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace))
  parts.push(plural)
  if (name !== undefined) parts.push(encodeURIComponent(name))
  return parts.join('/')
}
