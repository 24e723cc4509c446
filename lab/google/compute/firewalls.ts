import { invalid, invalidField, required } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import { parseRange } from './addressing.ts'
import type { Cloud } from './cloud.ts'
import { type Family, serveFamily } from './family.ts'
import { existingNetwork } from './networks.ts'
import type { Resource } from './resource.ts'

interface Rule {
  IPProtocol?: string
  ports?: string[]
}

interface Sent {
  priority?: unknown
  direction?: 'INGRESS' | 'EGRESS'
  allowed?: Rule[]
  denied?: Rule[]
  sourceRanges?: string[]
  sourceTags?: string[]
  sourceServiceAccounts?: string[]
  destinationRanges?: string[]
}

const firewalls: Family = { collection: 'firewalls', kind: 'compute#firewall', scope: 'global', complete }

export const serveFirewalls = (router: Router, cloud: Cloud): void => serveFamily(router, cloud, firewalls)

/** https://cloud.google.com/compute/docs/reference/rest/v1/firewalls @throws ApiError 400 */
function complete(sent: Resource, cloud: Cloud): Resource {
  const { direction = 'INGRESS', allowed, denied, priority = 1000, ...rest } = sent as Sent
  const { sourceRanges, sourceTags, sourceServiceAccounts, destinationRanges } = rest
  if (Boolean(allowed?.length) === Boolean(denied?.length)) {
    throw invalid('A firewall has exactly one of the fields allowed and denied.', allowed ? 'invalid' : 'required')
  }
  for (const rule of [...(allowed ?? []), ...(denied ?? [])]) checkRule(rule)
  checkPriority(priority)
  for (const range of [...(sourceRanges ?? []), ...(destinationRanges ?? [])]) checkRange(range)
  if (direction === 'EGRESS' && (sourceRanges?.length || sourceTags?.length || sourceServiceAccounts?.length)) {
    throw invalidField('resource.direction', direction, 'An egress rule has destinations, not sources.')
  }
  const everywhere = direction === 'INGRESS' ? { sourceRanges: ['0.0.0.0/0'] } : { destinationRanges: ['0.0.0.0/0'] }
  const isOpen = ![sourceRanges, sourceTags, sourceServiceAccounts, destinationRanges].some(peers => peers?.length)
  return {
    disabled: false,
    logConfig: { enable: false },
    ...sent,
    ...(isOpen && everywhere),
    direction,
    priority,
    network: existingNetwork(sent, cloud),
  }
}

const PROTOCOL = /^(tcp|udp|icmp|esp|ah|ipip|sctp|all|\d{1,3})$/
const PORTS = /^\d{1,5}(-\d{1,5})?$/

function checkRule({ IPProtocol, ports = [] }: Rule): void {
  if (!IPProtocol) throw required('resource.allowed[0].IPProtocol')
  if (!PROTOCOL.test(IPProtocol))
    throw invalidField('resource.allowed[0].IPProtocol', IPProtocol, 'Must be the name or number of a protocol.')
  if (ports.length > 0 && !['tcp', 'udp', 'sctp', '6', '17', '132'].includes(IPProtocol)) {
    throw invalidField('resource.allowed[0].ports', ports.join(), `The protocol ${IPProtocol} has no ports.`)
  }
  for (const port of ports) {
    const isPort = PORTS.test(port) && port.split('-').every(number => Number(number) <= 65_535)
    if (!isPort) throw invalidField('resource.allowed[0].ports[0]', port, 'Must be a port or a range of ports.')
  }
}

function checkPriority(priority: unknown): void {
  if (Number.isInteger(priority) && Number(priority) >= 0 && Number(priority) <= 65_535) return
  throw invalidField('resource.priority', priority, 'Must be between 0 and 65535.')
}

/** A single address is a valid range. */
function checkRange(range: string): void {
  if (range.includes(':') || parseRange(range.includes('/') ? range : `${range}/32`)) return
  throw invalidField('resource.sourceRanges[0]', range, 'Must be a valid CIDR range.')
}
