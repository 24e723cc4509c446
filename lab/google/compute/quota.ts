import { ApiError } from '../http/errors.ts'
import type { Cloud, CollectionName } from './cloud.ts'
import { OperationError } from './operations.ts'
import { linkTo, type Resource } from './resource.ts'

type Scope = 'project' | 'region'

interface Metric {
  scope: Scope
  collection: CollectionName
  /** How much of the quota one resource uses. */
  weight?: (resource: Resource) => number
}

const gigabytes = (types: string[]) => (resource: Resource) =>
  types.some(type => String(resource.type).endsWith(`/${type}`)) ? Number(resource.sizeGb) : 0

const scheduling = (resource: Resource) => resource.scheduling as { preemptible?: boolean; provisioningModel?: string }
const isSpot = (resource: Resource) =>
  scheduling(resource).preemptible === true || scheduling(resource).provisioningModel === 'SPOT'
/** The number at the end of a predefined machine type; shared cores count as two. */
const cpus = (resource: Resource) => Number(/-(\d+)$/.exec(String(resource.machineType))?.[1] ?? 2)
const isOn = (resource: Resource) => resource.status !== 'TERMINATED'

const metrics: Record<string, Metric> = {
  NETWORKS: { scope: 'project', collection: 'networks' },
  SUBNETWORKS: { scope: 'project', collection: 'subnetworks' },
  FIREWALLS: { scope: 'project', collection: 'firewalls' },
  ROUTERS: { scope: 'project', collection: 'routers' },
  SNAPSHOTS: { scope: 'project', collection: 'snapshots' },
  IMAGES: { scope: 'project', collection: 'images' },
  INSTANCES: { scope: 'region', collection: 'instances' },
  CPUS: { scope: 'region', collection: 'instances', weight: one => (isOn(one) && !isSpot(one) ? cpus(one) : 0) },
  PREEMPTIBLE_CPUS: { scope: 'region', collection: 'instances', weight: one => (isOn(one) && isSpot(one) ? cpus(one) : 0) },
  DISKS_TOTAL_GB: { scope: 'region', collection: 'disks', weight: gigabytes(['pd-standard']) },
  SSD_TOTAL_GB: { scope: 'region', collection: 'disks', weight: gigabytes(['pd-balanced', 'pd-ssd']) },
  STATIC_ADDRESSES: { scope: 'region', collection: 'addresses', weight: one => Number(one.addressType === 'EXTERNAL') },
  IN_USE_ADDRESSES: {
    scope: 'region',
    collection: 'instances',
    weight: one => (one.networkInterfaces as { accessConfigs?: object[] }[]).filter(nic => nic.accessConfigs?.length).length,
  },
}

/** A regional quota includes the region's zones: `zones/us-east1-b` is in `us-east1`. */
const isIn = (resource: Resource, project: string, region?: string): boolean =>
  resource.selfLink.startsWith(linkTo(`projects/${project}/`)) &&
  (region === undefined || new RegExp(`/(regions/${region}|zones/${region}-[a-z])/`).test(resource.selfLink))

function usage(cloud: Cloud, { collection, weight = () => 1 }: Metric, project: string, region?: string): number {
  return cloud
    .all(collection)
    .filter(resource => isIn(resource, project, region))
    .reduce((sum, resource) => sum + weight(resource), 0)
}

/** The field `quotas` of a project or one of its regions. */
export const quotasOf = (cloud: Cloud, project: string, region?: string) =>
  Object.entries(metrics)
    .filter(([, { scope }]) => scope === (region === undefined ? 'project' : 'region'))
    .map(([metric, details]) => ({
      metric,
      limit: cloud.limits.quotas[metric] ?? 0,
      usage: usage(cloud, details, project, region),
    }))

/** @throws ApiError 403 when one more resource would exceed a quota */
export function checkQuota(cloud: Cloud, collection: CollectionName, wanted: Resource): void {
  const [, project = ''] = /projects\/([^/]+)/.exec(wanted.selfLink) ?? []
  const region = /\/regions\/([^/]+)\//.exec(wanted.selfLink)?.[1] ?? /\/zones\/([^/]+)-[a-z]\//.exec(wanted.selfLink)?.[1]
  for (const [metric, details] of Object.entries(metrics)) {
    if (details.collection !== collection) continue
    const place = details.scope === 'region' ? region : undefined
    const limit = cloud.limits.quotas[metric] ?? 0
    const more = details.weight?.(wanted) ?? 1
    if (more === 0 || usage(cloud, details, project, place) + more <= limit) continue
    const where = place === undefined ? 'globally' : `in region ${place}`
    throw new ApiError(403, 'quotaExceeded', `Quota '${metric}' exceeded.  Limit: ${limit.toFixed(1)} ${where}.`)
  }
}

export const RATE_EXCEEDED = 'RESOURCE_OPERATION_RATE_EXCEEDED'
const HOUR_MS = 3_600_000

/** @throws OperationError when the disk has reached its limit of snapshots per hour */
export function checkSnapshotRate(cloud: Cloud, disk: string, taken: readonly Date[], now: Date): void {
  const recent = taken.filter(time => time.getTime() > now.getTime() - HOUR_MS)
  if (recent.length < cloud.limits.snapshotsPerDiskAndHour) return
  throw new OperationError(
    RATE_EXCEEDED,
    `Operation rate exceeded for resource '${disk}'. Too frequent operations from the source resource.`,
  )
}
