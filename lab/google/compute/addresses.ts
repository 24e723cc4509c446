import { invalid, invalidField, required } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import { freeAddress, parseRange, type Range, within } from './addressing.ts'
import type { Cloud } from './cloud.ts'
import { type Family, serveFamily, serveSetLabels } from './family.ts'
import type { Instance, NetworkInterface } from './instance.ts'
import { projectOf, rangeOf } from './networks.ts'
import { checkLabels, fingerprint, mentions, pathOf, type Resource } from './resource.ts'

const addresses: Family = {
  collection: 'addresses',
  kind: 'compute#address',
  scope: 'region',
  complete,
  view: (address, cloud) => {
    const users = usersOf(cloud, address)
    return { ...address, status: users.length > 0 ? 'IN_USE' : 'RESERVED', ...(users.length > 0 && { users }) }
  },
  users: (cloud, address) => usersOf(cloud, address),
}

export function serveAddresses(router: Router, cloud: Cloud): void {
  serveFamily(router, cloud, addresses)
  serveSetLabels(router, cloud, addresses)
}

/** A range reserved for documentation, so that no real host is reached by mistake. */
const EXTERNAL_RANGE = '203.0.113.0/24'

/** A free external address. @throws ApiError 400 when there is none left */
export function externalAddress(cloud: Cloud): string {
  const reserved = cloud.all('addresses').map(({ address }) => String(address))
  const address = freeAddress(rangeOf(EXTERNAL_RANGE), new Set([...reserved, ...natAddresses(cloud)]))
  if (!address) throw invalid('No external address is left.', 'quotaExceeded')
  return address
}

const natAddresses = (cloud: Cloud): string[] =>
  interfaces(cloud).flatMap(({ accessConfigs = [] }) => accessConfigs.flatMap(({ natIP }) => natIP ?? []))

function complete(sent: Resource, cloud: Cloud): Resource {
  const { addressType = 'EXTERNAL' } = sent
  const labels = checkLabels(sent.labels)
  const base = { addressType, ipVersion: 'IPV4', ...sent, labelFingerprint: fingerprint(labels), status: 'RESERVED' }
  if (addressType !== 'INTERNAL') return { networkTier: 'PREMIUM', ...base, address: sent.address || externalAddress(cloud) }
  if (!sent.subnetwork) throw required('resource.subnetwork')
  const subnetwork = cloud.get('subnetworks', pathOf(String(sent.subnetwork), projectOf(sent)))
  const range = rangeOf(String(subnetwork.ipCidrRange))
  return {
    purpose: 'GCE_ENDPOINT',
    ...base,
    subnetwork: subnetwork.selfLink,
    address: internalAddress(cloud, range, sent, subnetwork.selfLink),
  }
}

/** The internal addresses in use by instances and reservations of a subnetwork. @param subnetwork its link */
export const takenInternally = (cloud: Cloud, subnetwork: string): Set<string> =>
  new Set([
    ...interfaces(cloud).flatMap(nic => (nic.subnetwork === subnetwork ? [nic.networkIP] : [])),
    ...reservedIn(cloud, subnetwork).map(({ address }) => String(address)),
  ])

const interfaces = (cloud: Cloud) => cloud.all<Instance>('instances').flatMap(({ networkInterfaces }) => networkInterfaces)

const reservedIn = (cloud: Cloud, subnetwork: string): Resource[] =>
  cloud.all('addresses').filter(other => other.subnetwork === subnetwork)

function internalAddress(cloud: Cloud, range: Range, { address, selfLink }: Resource, subnetwork: string): string {
  if (!address) {
    const free = freeAddress(range, takenInternally(cloud, subnetwork))
    if (!free) throw invalid('IP space is exhausted.', 'quotaExceeded')
    return free
  }
  if (!parseRange(`${address}/32`) || !within(range, String(address))) {
    throw invalidField('resource.address', address, 'Requested internal IP address is outside its subnetwork.')
  }
  const isReserved = reservedIn(cloud, subnetwork).some(other => other.address === address && other.selfLink !== selfLink)
  if (isReserved) throw invalid(`Specified IP address '${address}' is already reserved.`, 'resourceInUseByAnotherResource')
  return String(address)
}

const hasNat = ({ accessConfigs = [] }: NetworkInterface, address: unknown): boolean =>
  accessConfigs.some(({ natIP }) => natIP === address)

/** Links of the address's users: a router refers to the resource, an instance has the address itself. */
function usersOf(cloud: Cloud, { selfLink, address, subnetwork }: Resource): string[] {
  const routers = cloud.all('routers').filter(router => mentions(router, selfLink))
  const instances = cloud
    .all<Instance>('instances')
    .filter(({ networkInterfaces }) =>
      networkInterfaces.some(nic =>
        subnetwork ? nic.subnetwork === subnetwork && nic.networkIP === address : hasNat(nic, address),
      ),
    )
  return [...routers, ...instances].map(user => user.selfLink)
}
