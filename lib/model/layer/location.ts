import { baseName, type PlannedResource, text, type Values } from './planned.ts'
import { manifestObject, type ObjectReference, realName } from './real-name.ts'
import { SENSITIVE } from './sensitive.ts'

/** Where an object lives, so that it can be asked for whether it exists. */
export type Location =
  /** A path of one of Google's REST APIs, below its address. */
  | { in: 'compute' | 'iam'; path: string }
  | { in: 'cluster'; object: ObjectReference }
  | { in: 'helm'; namespace: string; name: string }

/** What Google's provider takes where a resource does not say it. */
export interface Defaults {
  project: string
  region: string
  zone: string
}

/** Collections of the Compute API by resource type. https://cloud.google.com/compute/docs/reference/rest/v1 */
const COMPUTE: Record<string, string> = {
  google_compute_address: 'regions/{region}/addresses',
  google_compute_disk: 'zones/{zone}/disks',
  google_compute_firewall: 'global/firewalls',
  google_compute_global_address: 'global/addresses',
  google_compute_health_check: 'global/healthChecks',
  google_compute_image: 'global/images',
  google_compute_instance: 'zones/{zone}/instances',
  google_compute_network: 'global/networks',
  google_compute_resource_policy: 'regions/{region}/resourcePolicies',
  google_compute_router: 'regions/{region}/routers',
  google_compute_snapshot: 'global/snapshots',
  google_compute_subnetwork: 'regions/{region}/subnetworks',
}

/** Where the object that a planned resource would create lives; undefined for a type or a name that is not known. */
export function locationOf({ type, after }: Pick<PlannedResource, 'type' | 'after'>, defaults: Defaults): Location | undefined {
  if (!after || realName(type, after)?.includes(SENSITIVE)) return undefined
  const collection = COMPUTE[type]
  if (collection !== undefined) return computeLocation(collection, after, defaults)
  if (type === 'google_service_account') {
    const project = text(after.project) ?? defaults.project
    const account = text(after.account_id)
    return account === undefined
      ? undefined
      : { in: 'iam', path: `v1/projects/${project}/serviceAccounts/${account}@${project}.iam.gserviceaccount.com` }
  }
  if (type === 'helm_release') {
    const name = text(after.name)
    return name === undefined ? undefined : { in: 'helm', namespace: text(after.namespace) ?? 'default', name }
  }
  const object = manifestObject(type, after) ?? typedObject(type, after)
  return object && { in: 'cluster', object }
}

function computeLocation(collection: string, after: Values, defaults: Defaults): Location | undefined {
  const name = text(after.name)
  if (name === undefined) return undefined
  const region = baseName(text(after.region) ?? defaults.region)
  const zone = baseName(text(after.zone) ?? defaults.zone)
  const place = collection.replace('{region}', region).replace('{zone}', zone)
  return { in: 'compute', path: `projects/${text(after.project) ?? defaults.project}/${place}/${name}` }
}

/** The kubernetes provider's types of one object each: `kubernetes_config_map_v1` is a ConfigMap. */
function typedObject(type: string, after: Values): ObjectReference | undefined {
  const words = /^kubernetes_([a-z_]+?)(?:_v\d[a-z0-9]*)?$/.exec(type)?.[1]
  const [metadata] = Array.isArray(after.metadata) ? (after.metadata as Values[]) : []
  const name = text(metadata?.name)
  const kind = words?.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const apiVersion = kind === undefined ? undefined : API_VERSIONS[kind]
  if (kind === undefined || apiVersion === undefined || name === undefined) return undefined
  const namespace = text(metadata?.namespace)
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) }
}

const API_VERSIONS: Record<string, string> = {
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: 'rbac.authorization.k8s.io/v1',
  ConfigMap: 'v1',
  CronJob: 'batch/v1',
  DaemonSet: 'apps/v1',
  Deployment: 'apps/v1',
  Ingress: 'networking.k8s.io/v1',
  Job: 'batch/v1',
  Namespace: 'v1',
  PersistentVolume: 'v1',
  PersistentVolumeClaim: 'v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  Secret: 'v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  StatefulSet: 'apps/v1',
  StorageClass: 'storage.k8s.io/v1',
}
