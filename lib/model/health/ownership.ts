import { ageOf } from './age.ts'
import { broken, type Finding } from './finding.ts'
import type { Inventory } from './inventory.ts'
import {
  controllerOf,
  type Deployment,
  isLive,
  type KubernetesObject,
  nameOf,
  type Pod,
  type ReplicaSet,
  type Selector,
  sameNamespace,
  selects,
} from './objects.ts'
import { deploymentRemainder } from './rollout.ts'

/** Lists of different kinds are not of one instant: what is younger may have an owner that was not listed yet. */
const LISTING_SKEW_MS = 30_000

type Workloads = Pick<Inventory, 'pods' | 'replicaSets' | 'deployments' | 'statefulSets' | 'daemonSets' | 'jobs'>

/** Something that makes pods by a selector. */
interface Workload {
  kind: string
  object: KubernetesObject & { spec?: { selector?: Selector } }
}

/**
 * Pods that are there twice: an owner deleted or re-created leaves its pods behind, under the same labels as their
 * successors. Only uids tell the live owner from an earlier one of the same name.
 */
export function ownershipFindings(inventory: Workloads, now: Date): Finding[] {
  const { deployments, replicaSets, statefulSets, daemonSets } = inventory
  const pods = inventory.pods.filter(pod => isLive(pod) && isListed(pod, now))
  const workloads: Workload[] = [
    ...deployments.map(object => ({ kind: 'Deployment', object })),
    ...statefulSets.map(object => ({ kind: 'StatefulSet', object })),
    ...daemonSets.map(object => ({ kind: 'DaemonSet', object })),
  ]
  return [
    ...pods.flatMap(pod => orphanedPod(pod, inventory) ?? unownedPod(pod, workloads) ?? []),
    ...replicaSets.filter(set => isListed(set, now)).flatMap(set => orphanedReplicaSet(set, deployments) ?? []),
    ...deployments.flatMap(deployment => staleRevisions(deployment, replicaSets, pods)),
    ...overlaps(workloads, pods, replicaSets),
  ]
}

const isListed = ({ metadata }: KubernetesObject, now: Date): boolean =>
  ageOf(metadata.creationTimestamp, now) > LISTING_SKEW_MS

const remove = (kind: string, { metadata }: KubernetesObject): string =>
  `kubectl -n ${metadata.namespace} delete ${kind} ${metadata.name}`

function orphanedPod(pod: Pod, { replicaSets, statefulSets, daemonSets, jobs }: Workloads): Finding | undefined {
  const owner = controllerOf(pod)
  const known: Record<string, readonly KubernetesObject[]> = {
    ReplicaSet: replicaSets,
    StatefulSet: statefulSets,
    DaemonSet: daemonSets,
    Job: jobs,
  }
  const candidates = owner && known[owner.kind]?.filter(candidate => sameNamespace(candidate, pod))
  if (!owner || !candidates || candidates.some(({ metadata }) => metadata.uid === owner.uid)) return undefined
  return orphan(nameOf('Pod', pod), owner, candidates, remove('pod', pod))
}

function orphanedReplicaSet(set: ReplicaSet, deployments: readonly Deployment[]): Finding | undefined {
  const owner = controllerOf(set)
  if (set.metadata.deletionTimestamp !== undefined || owner?.kind !== 'Deployment') return undefined
  const candidates = deployments.filter(deployment => sameNamespace(deployment, set))
  if (candidates.some(({ metadata }) => metadata.uid === owner.uid)) return undefined
  return orphan(nameOf('ReplicaSet', set), owner, candidates, remove('replicaset', set))
}

function orphan(
  object: string,
  owner: { kind: string; name: string; uid: string },
  candidates: readonly KubernetesObject[],
  remedy: string,
): Finding {
  const successor = candidates.find(({ metadata }) => metadata.name === owner.name)
  const fate = successor ? 're-created' : 'deleted'
  return broken('ownership/orphan', object, `orphan of a ${fate} ${owner.kind} ${owner.name}`, {
    evidence: { ownerUid: owner.uid, liveUid: successor?.metadata.uid ?? null },
    remedy,
  })
}

/** What `--cascade=orphan` leaves: no owner at all, and yet a workload's labels. */
function unownedPod(pod: Pod, workloads: readonly Workload[]): Finding | undefined {
  if (controllerOf(pod)) return undefined
  const like = workloads.find(({ object }) => sameNamespace(object, pod) && selects(object.spec?.selector, pod.metadata.labels))
  if (!like) return undefined
  const text = `no controller owns it, but it has the labels of ${nameOf(like.kind, like.object)}: a duplicate`
  return broken('ownership/unowned', nameOf('Pod', pod), text, { remedy: remove('pod', pod) })
}

const REVISION = 'deployment.kubernetes.io/revision'

/** Once a rollout is complete, only the newest ReplicaSet has pods. */
function staleRevisions(deployment: Deployment, replicaSets: readonly ReplicaSet[], pods: readonly Pod[]): Finding[] {
  if (deploymentRemainder(deployment) !== undefined || deployment.spec?.paused) return []
  const current = Number(deployment.metadata.annotations?.[REVISION])
  return replicaSets
    .filter(set => controllerOf(set)?.uid === deployment.metadata.uid && Number(set.metadata.annotations?.[REVISION]) < current)
    .flatMap(set =>
      pods
        .filter(pod => controllerOf(pod)?.uid === set.metadata.uid)
        .map(pod => {
          const revision = Number(set.metadata.annotations?.[REVISION])
          const text = `is of revision ${revision} of Deployment ${deployment.metadata.name}, which is at ${current}`
          return broken('ownership/stale-revision', nameOf('Pod', pod), text, {
            evidence: { replicaSet: set.metadata.name, revision, current },
            remedy: remove('replicaset', set),
          })
        }),
    )
}

/** Workloads whose selector also takes another one's pods; each pair once. */
function overlaps(workloads: readonly Workload[], pods: readonly Pod[], replicaSets: readonly ReplicaSet[]): Finding[] {
  const pairs = new Map<string, Finding>()
  for (const pod of pods) {
    const owner = workloadOf(pod, workloads, replicaSets)
    if (!owner) continue
    for (const other of workloads) {
      if (other === owner || !sameNamespace(other.object, pod) || !selects(other.object.spec?.selector, pod.metadata.labels))
        continue
      const [a, b] = [nameOf(owner.kind, owner.object), nameOf(other.kind, other.object)].sort() as [string, string]
      const text = `two owners match one selector: ${b} also selects ${pod.metadata.name}`
      const remedy = `give ${a} and ${b} selectors of their own`
      pairs.set(
        `${a} ${b}`,
        broken('ownership/selector-overlap', a, text, { evidence: { other: b, pod: pod.metadata.name }, remedy }),
      )
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
