import { command } from '../shell.ts'
import { ageOf, formatAge, isSettling } from './age.ts'
import { broken, doubtful, type Finding, underway } from './finding.ts'
import { conditionOf, type Lease, type Node, nameOf } from './objects.ts'

/** Conditions that are bad when true. https://kubernetes.io/docs/reference/node/node-status/#condition */
const PRESSURES: Record<string, string> = {
  MemoryPressure: 'stop what uses the most memory: `kubectl top pods -A --sort-by=memory`',
  DiskPressure: 'free disk space on the node: `k0s ctr images prune --all`',
  PIDPressure: 'find the pod that starts too many processes',
  NetworkUnavailable: "check the network plugin's pods in kube-system",
}

/** Nodes renew their lease every 10 s. After a boot the API shows everything as it was before, until the node reports again. */
const SILENCE_MS = 60_000

export function nodeFindings(nodes: readonly Node[], leases: readonly Lease[], now: Date): Finding[] {
  if (nodes.length === 0) {
    return [broken('node/none', 'Node', 'the cluster has no node', { remedy: './taskw bootstrap' })]
  }
  return nodes.flatMap(node => {
    const availability = readiness(node, now) ?? silence(node, leases, now)
    return [...(availability ? [availability] : []), ...pressure(node), ...cordoned(node)]
  })
}

function readiness(node: Node, now: Date): Finding | undefined {
  const ready = conditionOf(node.status?.conditions, 'Ready')
  if (ready?.status === 'True') return undefined
  const { status = 'absent', reason = '', message = '', lastTransitionTime } = ready ?? {}
  const since = lastTransitionTime ?? node.metadata.creationTimestamp
  const level = isSettling(since, now) ? underway : broken
  const why = [reason, message].filter(Boolean).join(': ')
  const text = `not ready for ${formatAge(ageOf(since, now))}${why ? `: ${why}` : ''}`
  return level('node/not-ready', nameOf('Node', node), text, { evidence: { status, reason, since }, remedy: REVIVE })
}

/** Starts the VM and k0s where they are down. */
const REVIVE = './taskw up'

function silence(node: Node, leases: readonly Lease[], now: Date): Finding | undefined {
  const lease = leases.find(({ metadata }) => metadata.namespace === 'kube-node-lease' && metadata.name === node.metadata.name)
  const renewed = lease?.spec?.renewTime
  if (ageOf(renewed, now) < SILENCE_MS) return undefined
  const level = isSettling(renewed, now) ? underway : broken
  const text = `silent for ${formatAge(ageOf(renewed, now))}: the status of its pods is that old`
  return level('node/silent', nameOf('Node', node), text, { evidence: { renewTime: renewed }, remedy: REVIVE })
}

function pressure(node: Node): Finding[] {
  return Object.entries(PRESSURES).flatMap(([type, remedy]) => {
    const condition = conditionOf(node.status?.conditions, type)
    if (condition?.status !== 'True') return []
    const { reason = '', message = '' } = condition
    return [
      doubtful('node/pressure', nameOf('Node', node), `${type}: ${message || reason}`, { evidence: { type, reason }, remedy }),
    ]
  })
}

function cordoned(node: Node): Finding[] {
  if (!node.spec?.unschedulable) return []
  const remedy = command`kubectl uncordon ${node.metadata.name}`
  return [doubtful('node/cordoned', nameOf('Node', node), 'cordoned: no pod is scheduled to it', { remedy })]
}
