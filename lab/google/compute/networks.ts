import { invalid, invalidField, required } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import { freeAddress, overlap, parseRange, type Range, toAddress } from './addressing.ts'
import { type Cloud, mutating } from './cloud.ts'
import { asked, type Family, pathIn, routeOf, serveFamily } from './family.ts'
import { listReply } from './list.ts'
import {
  canonicalLink,
  checkFingerprint,
  fingerprint,
  pathOf,
  pathOfResource,
  type Resource,
  segmentAfter,
} from './resource.ts'

/** Networks, subnetworks, firewalls, routers with their NATs, and addresses. */

const networks: Family = {
  collection: 'networks',
  kind: 'compute#network',
  scope: 'global',
  usedBy: ['subnetworks', 'firewalls', 'routers', 'instances'],
  complete: network => ({
    autoCreateSubnetworks: false,
    mtu: 1460,
    ...network,
    routingConfig: { routingMode: 'REGIONAL', ...(network.routingConfig as object | undefined) },
    networkFirewallPolicyEnforcementOrder: network.networkFirewallPolicyEnforcementOrder ?? 'AFTER_CLASSIC_FIREWALL',
  }),
}

const subnetworks: Family = {
  collection: 'subnetworks',
  kind: 'compute#subnetwork',
  scope: 'region',
  usedBy: ['instances', 'addresses', 'routers'],
  complete(sent, cloud) {
    const subnetwork = { privateIpGoogleAccess: false, ...sent, network: existingNetwork(sent, cloud) }
    const cidr = String(sent.ipCidrRange)
    const range = rangeOf(cidr)
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
  },
  created: relistSubnetworks,
  deleted: relistSubnetworks,
}

const firewalls: Family = {
  collection: 'firewalls',
  kind: 'compute#firewall',
  scope: 'global',
  complete: (sent, cloud) => ({
    priority: 1000,
    direction: 'INGRESS',
    disabled: false,
    logConfig: { enable: false },
    ...sent,
    network: existingNetwork(sent, cloud),
  }),
}

const routers: Family = {
  collection: 'routers',
  kind: 'compute#router',
  scope: 'region',
  complete: (sent, cloud) => ({
    ...sent,
    network: existingNetwork(sent, cloud),
    ...(sent.nats ? { nats: (sent.nats as object[]).map(nat => completeNat(nat, projectOf(sent))) } : {}),
  }),
}

const addresses: Family = {
  collection: 'addresses',
  kind: 'compute#address',
  scope: 'region',
  usedBy: ['routers', 'instances'],
  complete: (sent, cloud) => ({
    addressType: 'EXTERNAL',
    networkTier: 'PREMIUM',
    ipVersion: 'IPV4',
    status: 'RESERVED',
    labelFingerprint: fingerprint(undefined),
    ...sent,
    ...(sent.subnetwork ? { subnetwork: canonicalLink(String(sent.subnetwork), projectOf(sent)) } : {}),
    address: sent.address || externalAddress(cloud),
  }),
}

/** Set aside for documentation: nobody is reached by mistake. */
const EXTERNAL_RANGE = '203.0.113.0/24'

function externalAddress(cloud: Cloud): string {
  const used = new Set(cloud.all('addresses').map(({ address }) => String(address)))
  const address = freeAddress(rangeOf(EXTERNAL_RANGE), used)
  if (!address) throw invalid('No external address is left.', 'quotaExceeded')
  return address
}

interface Nat {
  subnetworks?: { name: string }[]
  natIps?: string[]
}

/** What Google fills in of a NAT, references included. */
function completeNat(sent: Nat, project: string): object {
  return {
    type: 'PUBLIC',
    endpointTypes: ['ENDPOINT_TYPE_VM'],
    enableEndpointIndependentMapping: false,
    ...sent,
    ...(sent.natIps ? { natIps: sent.natIps.map(link => canonicalLink(link, project)) } : {}),
    ...(sent.subnetworks
      ? { subnetworks: sent.subnetworks.map(subnet => ({ ...subnet, name: canonicalLink(subnet.name, project) })) }
      : {}),
  }
}

const projectOf = (resource: Resource): string => segmentAfter(resource.selfLink, 'projects') ?? ''
const regionIn = (resource: Resource): string => segmentAfter(resource.selfLink, 'regions') ?? ''

function existingNetwork(sent: Resource, cloud: Cloud): string {
  if (!sent.network) throw required('resource.network')
  const path = pathOf(String(sent.network), projectOf(sent))
  return cloud.get(networks.collection, path).selfLink
}

export function rangeOf(cidr: string): Range {
  const range = parseRange(cidr)
  if (!range) throw invalidField('resource.ipCidrRange', cidr, 'Must be a CIDR range.')
  return range
}

/** The fingerprint says whether anything else of the resource has changed. */
function withFingerprint(resource: Resource): Resource {
  const { fingerprint: _, ...rest } = resource
  return { ...rest, fingerprint: fingerprint(rest) } as Resource
}

export function serveNetworks(router: Router, cloud: Cloud): void {
  router.get('/compute/v1/projects/{project}/global/routes', call => listReply(call, 'compute#route', []))
  for (const family of [networks, firewalls, routers, addresses]) serveFamily(router, cloud, family)
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
        const operation = cloud.operations.begin({ ...asked(call), type: verb, target: path, targetId: current.id })
        await cloud.put('subnetworks', withFingerprint({ ...current, [field]: sent[field] }))
        return operation
      }),
    )
  }
}

/** A network lists the subnetworks that it has. */
async function relistSubnetworks(subnetwork: Resource, cloud: Cloud): Promise<void> {
  const network = cloud.all('networks').find(({ selfLink }) => selfLink === subnetwork.network)
  if (!network) return
  const members = cloud.all('subnetworks').filter(other => other.network === network.selfLink)
  await cloud.patch('networks', pathOfResource(network), { subnetworks: members.map(({ selfLink }) => selfLink) })
}
