import { applicationFindings } from './application.ts'
import { expectationFindings } from './expected.ts'
import { type Finding, sorted, type Verdict } from './finding.ts'
import type { Expectations, Inventory } from './inventory.ts'
import { jobFindings } from './job.ts'
import { namespaceFindings } from './namespace.ts'
import { nodeFindings } from './node.ts'
import { ownershipFindings } from './ownership.ts'
import { pinnedFindings } from './pinned.ts'
import { podFindings } from './pod.ts'
import { rolloutFindings } from './rollout.ts'
import { serviceFindings } from './service.ts'
import { volumeFindings } from './volume.ts'

/** The system's health: a verdict, and the findings that it rests on. */
export interface Assessment {
  verdict: Verdict
  findings: Finding[]
}

/** Everything that is wrong in a cluster at one instant, worst first. */
export function assess(inventory: Inventory, expectations: Expectations, now: Date): Finding[] {
  const { nodes, namespaces, pods, jobs } = inventory
  return sorted([
    ...nodeFindings(nodes, inventory.leases, now),
    ...namespaceFindings(namespaces, now),
    ...podFindings(pods, nodes, now),
    ...rolloutFindings(inventory),
    ...jobFindings(jobs),
    ...ownershipFindings(inventory, now),
    ...volumeFindings(inventory.volumeClaims, inventory.storageClasses, pods, now, expectations.makers?.StorageClass),
    ...serviceFindings(inventory.services, inventory.endpointSlices, pods, now),
    ...applicationFindings(inventory.applications, now),
    ...pinnedFindings(inventory.applications),
    ...expectationFindings(inventory, expectations),
  ])
}
