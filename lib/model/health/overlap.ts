import { broken, type Finding } from './finding.ts'
import type { Inventory } from './inventory.ts'
import {
  controllerOf,
  isLive,
  type KubernetesObject,
  nameOf,
  type Pod,
  type ReplicaSet,
  type Selector,
  sameNamespace,
  selects,
} from './objects.ts'

/** Something that owns pods by a selector. */
export interface Workload {
  kind: string
  object: KubernetesObject & { spec?: { selector?: Selector } }
}

export const workloadsOf = ({
  deployments,
  statefulSets,
  daemonSets,
}: Pick<Inventory, 'deployments' | 'statefulSets' | 'daemonSets'>): Workload[] => [
  ...deployments.map(object => ({ kind: 'Deployment', object })),
  ...statefulSets.map(object => ({ kind: 'StatefulSet', object })),
  ...daemonSets.map(object => ({ kind: 'DaemonSet', object })),
]

/** Workloads whose selectors match each other's pods; each pair once. */
export function overlapFindings(inventory: Inventory): Finding[] {
  const workloads = workloadsOf(inventory)
  const pairs = new Map<string, Finding>()
  for (const pod of inventory.pods.filter(isLive)) {
    const owner = workloadOf(pod, workloads, inventory.replicaSets)
    if (!owner) continue
    for (const other of workloads) {
      if (other === owner || !sameNamespace(other.object, pod) || !selects(other.object.spec?.selector, pod.metadata.labels))
        continue
      const [first, second] = [owner, other].map(({ kind, object }) => nameOf(kind, object)).sort() as [string, string]
      const text = `selectors overlap: ${first} and ${second} both select ${pod.metadata.name}`
      const remedy = `give ${first} and ${second} selectors of their own`
      const evidence = { other: second, pod: pod.metadata.name }
      pairs.set(`${first} ${second}`, broken('ownership/selector-overlap', first, text, { evidence, remedy }))
    }
  }
  return [...pairs.values()]
}

function workloadOf(pod: Pod, workloads: readonly Workload[], replicaSets: readonly ReplicaSet[]): Workload | undefined {
  const owner = controllerOf(pod)
  const set = replicaSets.find(({ metadata }) => metadata.uid === owner?.uid)
  const uid = set ? controllerOf(set)?.uid : owner?.uid
  return workloads.find(({ object }) => object.metadata.uid === uid)
}
