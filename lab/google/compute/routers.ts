import { invalidField, required } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import type { Cloud } from './cloud.ts'
import { type Family, pathIn, routeOf, serveFamily } from './family.ts'
import { existingNetwork, projectOf } from './networks.ts'
import { canonicalLink, pathOf, type Resource } from './resource.ts'

interface Nat {
  name?: string
  natIpAllocateOption?: 'AUTO_ONLY' | 'MANUAL_ONLY'
  sourceSubnetworkIpRangesToNat?: string
  subnetworks?: { name: string }[]
  natIps?: string[]
}

const routers: Family = {
  collection: 'routers',
  kind: 'compute#router',
  scope: 'region',
  complete: (sent, cloud) => ({
    encryptedInterconnectRouter: false,
    ...sent,
    network: existingNetwork(sent, cloud),
    ...(sent.nats ? { nats: completeNats(sent.nats as Nat[], projectOf(sent), cloud) } : {}),
  }),
}

function completeNats(nats: Nat[], project: string, cloud: Cloud): object[] {
  const names = nats.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw invalidField('resource.nats[1].name', twice, 'Must be unique within the router.')
  return nats.map(nat => completeNat(nat, project, cloud))
}

/** A NAT with Google's defaults and with references as links. @throws ApiError 400, 404 */
function completeNat(sent: Nat, project: string, cloud: Cloud): object {
  for (const field of ['name', 'natIpAllocateOption', 'sourceSubnetworkIpRangesToNat'] as const) {
    if (!sent[field]) throw required(`resource.nats[0].${field}`)
  }
  if (sent.natIpAllocateOption === 'MANUAL_ONLY' && !sent.natIps?.length) throw required('resource.nats[0].natIps')
  for (const link of sent.natIps ?? []) cloud.get('addresses', pathOf(link, project))
  return {
    type: 'PUBLIC',
    autoNetworkTier: 'PREMIUM',
    endpointTypes: ['ENDPOINT_TYPE_VM'],
    enableEndpointIndependentMapping: false,
    ...sent,
    ...(sent.natIps ? { natIps: sent.natIps.map(link => canonicalLink(link, project)) } : {}),
    ...(sent.subnetworks
      ? { subnetworks: sent.subnetworks.map(subnet => ({ ...subnet, name: canonicalLink(subnet.name, project) })) }
      : {}),
  }
}

/** No traffic is translated here: a router reports its configuration, and no mappings. */
export function serveRouters(router: Router, cloud: Cloud): void {
  const route = `${routeOf('region', 'routers')}/{name}`
  serveFamily(router, cloud, routers)
  router.get(`${route}/getRouterStatus`, call => {
    const { network, nats = [] } = cloud.get('routers', pathIn(call, 'routers')) as Resource & { nats?: Nat[] }
    const natStatus = nats.map(({ name, natIps = [] }) => ({
      name,
      userAllocatedNatIpResources: natIps,
      minExtraNatIpsNeeded: 0,
      numVmEndpointsWithNatMappings: 0,
    }))
    return { json: { kind: 'compute#routerStatusResponse', result: { network, natStatus } } }
  })
  router.get(`${route}/getNatMappingInfo`, call => {
    const { selfLink } = cloud.get('routers', pathIn(call, 'routers'))
    return { json: { kind: 'compute#vmEndpointNatMappingsList', id: 'mappings', result: [], selfLink } }
  })
}
