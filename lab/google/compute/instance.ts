import { invalid, invalidField, required } from '../http/errors.ts'
import { freeAddress, within } from './addressing.ts'
import { type AttachedDisk, attachDisks } from './attached-disks.ts'
import { machineType, regionOf } from './catalogue.ts'
import { type Cloud, newResource } from './cloud.ts'
import type { Disk } from './disks.ts'
import { placeFields } from './family.ts'
import { rangeOf } from './networks.ts'
import { checkLabels, fingerprint, lastSegment, linkTo, pathOf, type Resource, segmentAfter } from './resource.ts'

/** What an instance looks like, and what becomes of a request for one. */

export type InstanceStatus = 'PROVISIONING' | 'STAGING' | 'RUNNING' | 'STOPPING' | 'TERMINATED'

export interface Scheduling {
  preemptible: boolean
  automaticRestart: boolean
  provisioningModel: 'STANDARD' | 'SPOT'
  onHostMaintenance: string
  instanceTerminationAction?: 'STOP' | 'DELETE'
}

export interface Metadata {
  fingerprint: string
  items?: { key: string; value: string }[]
  [field: string]: unknown
}

export interface NetworkInterface {
  network: string
  subnetwork: string
  networkIP: string
  [field: string]: unknown
}

export interface Instance extends Resource {
  status: InstanceStatus
  zone: string
  machineType: string
  disks: AttachedDisk[]
  scheduling: Scheduling
  metadata: Metadata
  networkInterfaces: NetworkInterface[]
  tags: { items?: string[]; fingerprint: string }
  serviceAccounts?: { email: string; scopes: string[] }[]
  deletionProtection: boolean
}

/** `<project>/<zone>/<name>`, as the hypervisor knows it. */
export function machineIdOf(path: string): string {
  const [, project, , zone, , name] = path.split('/')
  return `${project}/${zone}/${name}`
}

export const isSpot = ({ scheduling }: Instance): boolean => scheduling.preemptible || scheduling.provisioningModel === 'SPOT'

export const bootDiskOf = (instance: Instance): AttachedDisk => {
  const disk = instance.disks.find(({ boot }) => boot)
  if (!disk) throw new Error(`instance ${instance.name} has no boot disk`)
  return disk
}

export const addressOf = (instance: Instance): string => instance.networkInterfaces[0]?.networkIP ?? ''

/** A key's value in the instance's own metadata. */
export const metadataValue = (instance: Instance, key: string): string | undefined =>
  instance.metadata.items?.find(item => item.key === key)?.value

/** @returns the instance as the API describes it and the disks that have to be made for it. @throws ApiError 400, 404 */
export function newInstance(cloud: Cloud, path: string, sent: Record<string, unknown>): { instance: Instance; disks: Disk[] } {
  const project = segmentAfter(path, 'projects') ?? ''
  const zone = segmentAfter(path, 'zones') ?? ''
  if (!sent.machineType) throw required('resource.machineType')
  const labels = checkLabels(sent.labels)
  const scheduling = completeScheduling((sent.scheduling ?? {}) as Partial<Scheduling>)
  const { attached, created } = attachDisks(cloud, path, sent)
  const tags = (sent.tags ?? {}) as { items?: string[] }
  const base = newResource('compute#instance', path, { ...sent, ...placeFields(path) })
  const instance: Instance = {
    canIpForward: false,
    cpuPlatform: 'Intel Broadwell',
    displayDevice: { enableDisplay: false },
    shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
    shieldedInstanceIntegrityPolicy: { updateAutoLearnPolicy: true },
    startRestricted: false,
    ...base,
    zone: linkTo(`projects/${project}/zones/${zone}`),
    deletionProtection: sent.deletionProtection === true,
    machineType: machineType(project, zone, lastSegment(String(sent.machineType))).selfLink,
    status: 'PROVISIONING',
    scheduling,
    disks: attached,
    labels,
    labelFingerprint: fingerprint(labels),
    metadata: completeMetadata(sent.metadata),
    tags: { ...tags, fingerprint: fingerprint(tags.items) },
    networkInterfaces: connect(cloud, path, sent.networkInterfaces),
  }
  return { instance: { ...instance, fingerprint: fingerprint(instance) }, disks: created }
}

/** @throws ApiError 400 for what spot machines can't have. */
export function completeScheduling(sent: Partial<Scheduling>): Scheduling {
  const spot = sent.preemptible === true || sent.provisioningModel === 'SPOT'
  if (spot && sent.automaticRestart) {
    throw invalidField('resource.scheduling.automaticRestart', true, 'Preemptible instances cannot be restarted automatically.')
  }
  return {
    ...sent,
    onHostMaintenance: sent.onHostMaintenance || (spot ? 'TERMINATE' : 'MIGRATE'),
    automaticRestart: sent.automaticRestart ?? !spot,
    preemptible: spot,
    provisioningModel: sent.provisioningModel ?? 'STANDARD',
  }
}

const METADATA_KEY = /^[a-zA-Z0-9_-]{1,128}$/
const LONGEST_METADATA_VALUE = 256 * 1024

/** @throws ApiError 400 for keys and values that Google refuses. */
export function completeMetadata(sent: unknown): Metadata {
  const { items = [], ...rest } = (sent ?? {}) as Partial<Metadata>
  for (const { key, value } of items) {
    if (!METADATA_KEY.test(key))
      throw invalidField('metadata.items[].key', key, 'Must be a match of regex [a-zA-Z0-9_-]{1,128}')
    if ((value?.length ?? 0) > LONGEST_METADATA_VALUE) throw invalidField('metadata.items[].value', key, 'Value is too large.')
  }
  const keys = items.map(({ key }) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice) throw invalidField('metadata.items[].key', twice, 'Metadata has duplicate keys.')
  return { kind: 'compute#metadata', ...rest, ...(items.length > 0 ? { items } : {}), fingerprint: fingerprint(items) }
}

/** Gives the instance its place in a subnetwork: the address asked for, or the lowest free one. */
function connect(cloud: Cloud, path: string, sent: unknown): NetworkInterface[] {
  const [first, ...more] = (sent ?? []) as Partial<NetworkInterface>[]
  if (!first) throw required('resource.networkInterfaces')
  if (more.length > 0)
    throw invalidField('resource.networkInterfaces', more.length + 1, 'The lab has machines with one interface.')
  const { network, subnetwork, ipCidrRange } = subnetworkFor(cloud, path, first)
  const used = new Set(
    cloud.all<Instance>('instances').flatMap(({ networkInterfaces }) => networkInterfaces.map(nic => nic.networkIP)),
  )
  const range = rangeOf(ipCidrRange)
  if (first.networkIP && !within(range, first.networkIP)) {
    throw invalidField(
      'resource.networkInterfaces[0].networkIP',
      first.networkIP,
      'Requested internal IP is outside its subnetwork.',
    )
  }
  if (first.networkIP && used.has(first.networkIP)) {
    throw invalid(`IP '${first.networkIP}' is already being used by another resource.`, 'resourceInUseByAnotherResource')
  }
  const networkIP = first.networkIP || freeAddress(range, used)
  if (!networkIP) throw invalid(`IP space of '${pathOf(subnetwork, '')}' is exhausted.`, 'quotaExceeded')
  const nic = {
    kind: 'compute#networkInterface',
    stackType: 'IPV4_ONLY',
    ...first,
    network,
    subnetwork,
    networkIP,
    name: 'nic0',
  }
  return [{ ...nic, fingerprint: fingerprint(nic) }]
}

function subnetworkFor(cloud: Cloud, path: string, nic: Partial<NetworkInterface>) {
  const project = segmentAfter(path, 'projects') ?? ''
  const region = `projects/${project}/regions/${regionOf(segmentAfter(path, 'zones') ?? '')}`
  const found = nic.subnetwork
    ? cloud.get('subnetworks', pathOf(nic.subnetwork, project))
    : cloud.all('subnetworks').find(({ network, selfLink }) => {
        const wanted = linkTo(pathOf(nic.network ?? '', project))
        return network === wanted && selfLink.startsWith(linkTo(`${region}/`))
      })
  if (!found) throw invalidField('resource.networkInterfaces[0]', nic.network, 'A subnetwork of the region is needed.')
  return { network: String(found.network), subnetwork: found.selfLink, ipCidrRange: String(found.ipCidrRange) }
}
