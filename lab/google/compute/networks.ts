import type { Subnet } from '../../machine/types.ts'
import { invalid, invalidField, required } from '../http/errors.ts'
import { mergePatch } from '../http/merge-patch.ts'
import type { Router } from '../http/router.ts'
import { overlap, parseRange, type Range, toAddress } from './addressing.ts'
import { type Cloud, mutating, newResource } from './cloud.ts'
import { asked, checkUnused, type Family, pathIn, placeFields, routeOf, serveFamily } from './family.ts'
import type { Instance } from './instance.ts'
import { listReply } from './list.ts'
import { checkFingerprint, fingerprint, pathOf, pathOfResource, type Resource, segmentAfter } from './resource.ts'

/** Networks and subnetworks. */

const networkDefaults = {
  autoCreateSubnetworks: false,
  mtu: 1460,
  routingConfig: { routingMode: 'REGIONAL', bgpBestPathSelectionMode: 'LEGACY' },
  networkFirewallPolicyEnforcementOrder: 'AFTER_CLASSIC_FIREWALL',
}

const networks: Family = {
  collection: 'networks',
  kind: 'compute#network',
  scope: 'global',
  usedBy: ['subnetworks', 'firewalls', 'routers', 'instances'],
  created: makeAutoSubnetworks,
  deleting: removeAutoSubnetworks,
  deleted: (network, cloud) => cloud.hypervisor.removeNetwork(pathOfResource(network)),
  complete: network => mergePatch(networkDefaults, network) as Resource,
}

const subnetworks: Family = {
  collection: 'subnetworks',
  kind: 'compute#subnetwork',
  scope: 'region',
  usedBy: ['instances', 'addresses', 'routers'],
  complete: completeSubnetwork,
  created: relistSubnetworks,
  deleted: relistSubnetworks,
}

function completeSubnetwork(sent: Resource, cloud: Cloud): Resource {
  const subnetwork = { privateIpGoogleAccess: false, ...sent, network: existingNetwork(sent, cloud) }
  if (!sent.ipCidrRange) throw required('resource.ipCidrRange')
  const cidr = String(sent.ipCidrRange)
  const range = rangeOf(cidr)
  if (range.last - range.first + 1 < SMALLEST_SUBNETWORK)
    throw invalidField('resource.ipCidrRange', cidr, 'Must not be smaller than /29.')
  for (const other of cloud.all('subnetworks')) {
    const taken = other.network === subnetwork.network && other.selfLink !== sent.selfLink
    if (taken && overlap(range, rangeOf(String(other.ipCidrRange)))) {
      throw invalid(
        `Invalid IPCidrRange: ${cidr} conflicts with existing subnetwork '${other.name}' in region '${regionIn(other)}'.`,
      )
    }
  }
  return withFingerprint({
    purpose: 'PRIVATE',
    stackType: 'IPV4_ONLY',
    privateIpv6GoogleAccess: 'DISABLE_GOOGLE_ACCESS',
    ...subnetwork,
    gatewayAddress: toAddress(range.first + 1),
  })
}

export const projectOf = (resource: Resource): string => segmentAfter(resource.selfLink, 'projects') ?? ''
const regionIn = (resource: Resource): string => segmentAfter(resource.selfLink, 'regions') ?? ''

/** The link of the network that a resource refers to. @throws ApiError 400, 404 */
export function existingNetwork(sent: Resource, cloud: Cloud): string {
  if (!sent.network) throw required('resource.network')
  const path = pathOf(String(sent.network), projectOf(sent))
  return cloud.get(networks.collection, path).selfLink
}

/** @throws ApiError 400 for anything but a CIDR range whose host bits are zero */
export function rangeOf(cidr: string): Range {
  const range = parseRange(cidr)
  if (!range) throw invalidField('resource.ipCidrRange', cidr, 'Must be a CIDR range.')
  if (toAddress(range.first) !== cidr.split('/')[0]) {
    throw invalidField('resource.ipCidrRange', cidr, 'Must be a CIDR address range whose host bits are zero.')
  }
  return range
}

/** The subnet of an instance's machine. */
export function subnetOf(cloud: Cloud, { networkInterfaces: [nic] }: Instance): Subnet {
  const { gatewayAddress, ipCidrRange } = cloud.get('subnetworks', pathOf(nic?.subnetwork ?? '', ''))
  return { gateway: String(gatewayAddress), prefixLength: Number(String(ipCidrRange).split('/')[1]) }
}

/** Google reserves four addresses in every subnetwork; a smaller one would have none left. */
const SMALLEST_SUBNETWORK = 8

/** The fingerprint covers all other fields of the resource. */
function withFingerprint(resource: Resource): Resource {
  const { fingerprint: _, ...rest } = resource
  return { ...rest, fingerprint: fingerprint(rest) } as Resource
}

export function serveNetworks(router: Router, cloud: Cloud): void {
  router.get('/compute/v1/projects/{project}/global/routes', call => listReply(call, 'compute#route', []))
  serveFamily(router, cloud, networks)
  serveSubnetworks(router, cloud)
}

function serveSubnetworks(router: Router, cloud: Cloud): void {
  const route = routeOf('region', 'subnetworks')
  serveFamily(router, cloud, subnetworks)
  for (const [verb, field] of [
    ['setPrivateIpGoogleAccess', 'privateIpGoogleAccess'],
    ['expandIpCidrRange', 'ipCidrRange'],
  ] as const) {
    router.post(
      `${route}/{name}/${verb}`,
      mutating(cloud, async call => {
        const sent = await call.json()
        const path = pathIn(call, 'subnetworks')
        const current = cloud.get('subnetworks', path)
        if (sent.fingerprint !== undefined) checkFingerprint('fingerprint', sent.fingerprint, current.fingerprint)
        const changed = completeSubnetwork({ ...current, [field]: sent[field] }, cloud)
        checkGrown(String(current.ipCidrRange), String(changed.ipCidrRange))
        const operation = cloud.operations.begin({ ...asked(call), type: verb, target: path, targetId: current.id })
        await cloud.put('subnetworks', changed)
        return operation
      }),
    )
  }
}

/** A subnetwork can only grow: the new range must contain the old one. */
function checkGrown(from: string, to: string): void {
  const [old, wanted] = [rangeOf(from), rangeOf(to)]
  if (wanted.first <= old.first && old.last <= wanted.last) return
  throw invalidField('ipCidrRange', to, `Must contain the existing range ${from}.`)
}

/** The ranges in 10.128.0.0/9 of an auto mode network's regions. https://cloud.google.com/vpc/docs/subnets#ip-ranges */
const autoRanges: Record<string, string> = { 'us-central1': '10.128.0.0/20', 'us-east1': '10.142.0.0/20' }

async function makeAutoSubnetworks(network: Resource, cloud: Cloud): Promise<void> {
  if (network.autoCreateSubnetworks !== true) return
  for (const [region, ipCidrRange] of Object.entries(autoRanges)) {
    const path = `projects/${projectOf(network)}/regions/${region}/subnetworks/${network.name}`
    const sent = { ipCidrRange, network: network.selfLink, ...placeFields(path) }
    const subnetwork = completeSubnetwork(newResource('compute#subnetwork', path, sent), cloud)
    await cloud.put('subnetworks', subnetwork)
    await relistSubnetworks(subnetwork, cloud)
  }
}

/** An auto mode network is deleted with its subnetworks, unless machines use them. */
async function removeAutoSubnetworks(network: Resource, cloud: Cloud): Promise<void> {
  if (network.autoCreateSubnetworks !== true) return
  const members = cloud.all('subnetworks').filter(other => other.network === network.selfLink)
  for (const subnetwork of members) checkUnused(cloud, subnetwork, subnetworks)
  await Promise.all(members.map(subnetwork => cloud.delete('subnetworks', pathOfResource(subnetwork))))
}

/** Updates the list of subnetworks that a network carries. */
async function relistSubnetworks(subnetwork: Resource, cloud: Cloud): Promise<void> {
  const network = cloud.all('networks').find(({ selfLink }) => selfLink === subnetwork.network)
  if (!network) return
  const members = cloud.all('subnetworks').filter(other => other.network === network.selfLink)
  await cloud.patch('networks', pathOfResource(network), { subnetworks: members.map(({ selfLink }) => selfLink) })
}
