import { parseRange, within } from './addressing.ts'
import type { Cloud } from './cloud.ts'
import type { Instance } from './instance.ts'
import type { Resource } from './resource.ts'

/** The source address of IAP's TCP forwarding: the first of 35.235.240.0/20, its documented range. */
const IAP_SOURCE = '35.235.240.1'

interface Rule {
  IPProtocol: string
  ports?: string[]
}

interface Firewall extends Resource {
  network: string
  direction: string
  disabled: boolean
  priority: number
  sourceRanges?: string[]
  allowed?: Rule[]
  denied?: Rule[]
  targetTags?: string[]
  targetServiceAccounts?: string[]
}

/** Whether the network's firewall allows IAP to reach a TCP port of the instance; without a rule it is denied. */
export function iapReaches(cloud: Cloud, instance: Instance, port: number): boolean {
  const rules = cloud
    .all<Firewall>('firewalls')
    .filter(firewall => applies(firewall, instance))
    .filter(({ allowed, denied }) => [...(allowed ?? []), ...(denied ?? [])].some(rule => covers(rule, port)))
    // At equal priority a deny rule wins.
    .sort((left, right) => left.priority - right.priority || Number(Boolean(right.denied)) - Number(Boolean(left.denied)))
  return rules[0]?.allowed !== undefined
}

function applies(firewall: Firewall, instance: Instance): boolean {
  const { network, direction, disabled, sourceRanges = ['0.0.0.0/0'], targetTags, targetServiceAccounts } = firewall
  if (disabled || direction !== 'INGRESS' || network !== instance.networkInterfaces[0]?.network) return false
  const accounts = (instance.serviceAccounts ?? []).map(({ email }) => email)
  if (targetTags && !targetTags.some(tag => instance.tags.items?.includes(tag))) return false
  if (targetServiceAccounts && !targetServiceAccounts.some(email => accounts.includes(email))) return false
  return sourceRanges.some(cidr => {
    const range = parseRange(cidr)
    return range !== undefined && within(range, IAP_SOURCE)
  })
}

function covers({ IPProtocol, ports }: Rule, port: number): boolean {
  if (!['tcp', 'all', '6'].includes(IPProtocol)) return false
  if (!ports || ports.length === 0) return true
  return ports.some(text => {
    const [first, last = first] = text.split('-').map(Number)
    return first !== undefined && last !== undefined && first <= port && port <= last
  })
}
