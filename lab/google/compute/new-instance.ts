import { invalid, invalidField, required } from '../http/errors.ts'
import { mergePatch } from '../http/merge-patch.ts'
import { externalAddress, takenInternally } from './addresses.ts'
import { freeAddress, type Range, within } from './addressing.ts'
import { attachDisks } from './attached-disks.ts'
import { defaultServiceAccount, machineType, regionOf } from './catalogue.ts'
import { type Cloud, newResource } from './cloud.ts'
import type { Disk } from './disk.ts'
import { placeFields } from './family.ts'
import type { AccessConfig, Instance, NetworkInterface, Scheduling, ServiceAccount } from './instance.ts'
import { completeMetadata } from './metadata.ts'
import { rangeOf } from './networks.ts'
import { checkLabels, fingerprint, lastSegment, linkTo, pathOf, type Resource, segmentAfter } from './resource.ts'

const defaults = {
  canIpForward: false,
  cpuPlatform: 'Intel Broadwell',
  displayDevice: { enableDisplay: false },
  shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
  shieldedInstanceIntegrityPolicy: { updateAutoLearnPolicy: true },
  startRestricted: false,
}

/** @returns the instance as the API describes it, and the disks to create for it. @throws ApiError 400, 404 */
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
    ...(mergePatch(defaults, base) as Resource),
    zone: linkTo(`projects/${project}/zones/${zone}`),
    deletionProtection: sent.deletionProtection === true,
    machineType: machineType(project, zone, lastSegment(String(sent.machineType))).selfLink,
    status: 'PROVISIONING',
    scheduling,
    disks: attached,
    labels,
    labelFingerprint: fingerprint(labels),
    metadata: completeMetadata(sent.metadata),
    tags: { ...(tags.items?.length && { items: checkTags(tags.items) }), fingerprint: fingerprint(tags.items) },
    ...(sent.serviceAccounts ? { serviceAccounts: completeAccounts(project, sent.serviceAccounts as ServiceAccount[]) } : {}),
    resourceStatus: {},
    satisfiesPzs: false,
    networkInterfaces: connect(cloud, path, sent.networkInterfaces),
  }
  return { instance: { ...instance, fingerprint: fingerprint(instance) }, disks: created }
}

/** `default` is the project's own account. @throws ApiError 400 */
export function completeAccounts(project: string, accounts: ServiceAccount[]): ServiceAccount[] {
  if (accounts.length > 1)
    throw invalidField('resource.serviceAccounts', accounts.length, 'At most one service account can be specified.')
  return accounts.map(({ email, scopes = [] }) => ({
    email: email === 'default' ? defaultServiceAccount(project) : email,
    scopes,
  }))
}

const TAG = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/
const MOST_TAGS = 64

/** @throws ApiError 400 */
export function checkTags(tags: string[]): string[] {
  const wrong = tags.find(tag => !TAG.test(tag))
  if (wrong !== undefined) throw invalidField('resource.tags.items[0]', wrong, `Must be a match of regex '${TAG.source}'`)
  if (tags.length > MOST_TAGS) throw invalidField('resource.tags.items', tags.length, `At most ${MOST_TAGS} tags are allowed.`)
  return tags
}

/** @throws ApiError 400 for settings that spot machines can't have, or that only they can have */
export function completeScheduling(sent: Partial<Scheduling>): Scheduling {
  const spot = sent.preemptible === true || sent.provisioningModel === 'SPOT'
  const field = (name: keyof Scheduling, why: string) => invalidField(`resource.scheduling.${name}`, sent[name], why)
  if (spot && sent.automaticRestart) throw field('automaticRestart', 'Preemptible instances cannot be restarted automatically.')
  if (spot && sent.onHostMaintenance === 'MIGRATE') throw field('onHostMaintenance', 'Preemptible instances are terminated.')
  if (!spot && sent.instanceTerminationAction) {
    throw field('instanceTerminationAction', 'You cannot specify a termination action for a VM instance of this model.')
  }
  return {
    ...sent,
    onHostMaintenance: sent.onHostMaintenance || (spot ? 'TERMINATE' : 'MIGRATE'),
    automaticRestart: sent.automaticRestart ?? !spot,
    preemptible: spot,
    provisioningModel: sent.provisioningModel ?? 'STANDARD',
  }
}

/** Connects the instance to a subnetwork, at the requested address or the lowest free one. */
function connect(cloud: Cloud, path: string, sent: unknown): NetworkInterface[] {
  const [first, ...more] = (sent ?? []) as Partial<NetworkInterface>[]
  if (!first) throw required('resource.networkInterfaces')
  if (more.length > 0)
    throw invalidField('resource.networkInterfaces', more.length + 1, "The lab's machines have one interface.")
  const { network, subnetwork, ipCidrRange } = subnetworkFor(cloud, path, first)
  const range = rangeOf(ipCidrRange)
  const networkIP = internalAddress(cloud, range, first.networkIP, subnetwork)
  const nic = {
    kind: 'compute#networkInterface',
    stackType: 'IPV4_ONLY',
    ...first,
    network,
    subnetwork,
    networkIP,
    name: 'nic0',
    ...(first.accessConfigs?.length && { accessConfigs: first.accessConfigs.map(config => accessConfig(cloud, config)) }),
  }
  return [{ ...nic, fingerprint: fingerprint(nic) }]
}

function internalAddress(cloud: Cloud, range: Range, wanted: string | undefined, subnetwork: string): string {
  if (!wanted) {
    const free = freeAddress(range, takenInternally(cloud, subnetwork))
    if (free) return free
    throw invalid(`IP space of '${pathOf(subnetwork, '')}' is exhausted.`, 'quotaExceeded')
  }
  if (!within(range, wanted)) {
    throw invalidField('resource.networkInterfaces[0].networkIP', wanted, 'Requested internal IP is outside its subnetwork.')
  }
  const isTaken = cloud
    .all<Instance>('instances')
    .some(({ networkInterfaces }) => networkInterfaces.some(nic => nic.networkIP === wanted && nic.subnetwork === subnetwork))
  if (isTaken) throw invalid(`IP '${wanted}' is already being used by another resource.`, 'resourceInUseByAnotherResource')
  return wanted
}

/** An external address. Nothing answers there: the lab's machines can be reached only through IAP. */
export const accessConfig = (cloud: Cloud, sent: Partial<AccessConfig>): AccessConfig => ({
  kind: 'compute#accessConfig',
  type: 'ONE_TO_ONE_NAT',
  networkTier: 'PREMIUM',
  ...sent,
  name: sent.name ?? 'External NAT',
  natIP: sent.natIP || externalAddress(cloud),
})

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
