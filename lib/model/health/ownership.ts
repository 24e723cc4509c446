import type { Json } from '../../runtime/json.ts'
import { command } from '../shell.ts'
import { ageOf } from './age.ts'
import { broken, type Finding, noted } from './finding.ts'
import type { Inventory } from './inventory.ts'
import {
  controllerOf,
  type Deployment,
  isLive,
  type KubernetesObject,
  nameOf,
  type OwnerReference,
  type Pod,
  type ReplicaSet,
  sameNamespace,
  selects,
} from './objects.ts'
import { overlapFindings, type Workload, workloadsOf } from './overlap.ts'
import { deploymentRemainder } from './rollout.ts'

/** Different kinds are listed at different instants: the owner of anything younger than this may not have been listed yet. */
const LISTING_SKEW_MS = 30_000

/** Labels that only controllers set, on what they make. */
const TEMPLATE_HASH = 'pod-template-hash'
const CONTROLLERS_LABELS = [TEMPLATE_HASH, 'controller-revision-hash']
const REVISION = 'deployment.kubernetes.io/revision'

/** A pod or ReplicaSet that should not be there. */
export interface Stray {
  rule: 'ownership/orphan' | 'ownership/unowned' | 'ownership/stale-revision'
  kind: 'Pod' | 'ReplicaSet'
  object: Pod | ReplicaSet
  message: string
  evidence: Json
  /** What to delete so that it goes for good: a ReplicaSet would make its pods again. */
  root: { kind: 'Pod'; object: Pod } | { kind: 'ReplicaSet'; object: ReplicaSet }
  /** The live workload that has taken its place, where there is one. */
  successor?: Workload
  /** No controller made it: somebody may want it. */
  handmade?: boolean
  /** It is neither a pod nor makes any. */
  idle?: boolean
}

/**
 * Duplicates: an owner that was deleted or re-created leaves its pods behind, with the same labels as their successors. Only the
 * uid distinguishes the live owner from an earlier one of the same name.
 */
export const ownershipFindings = (inventory: Inventory, now: Date): Finding[] => [
  ...strays(inventory, now).map(({ rule, kind, object, message, evidence, root, idle }) => {
    const { name, namespace } = root.object.metadata
    const remedy = command`kubectl -n ${namespace} delete ${root.kind.toLowerCase()} ${name}, or ./taskw verify -- --fix`
    return (idle ? noted : broken)(rule, nameOf(kind, object), message, { evidence, remedy })
  }),
  ...overlapFindings(inventory),
]

export function strays(inventory: Inventory, now: Date): Stray[] {
  const isListed: Listed = ({ metadata }) => ageOf(metadata.creationTimestamp, now) > LISTING_SKEW_MS
  const pods = inventory.pods.filter(isLive)
  const sets = inventory.replicaSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const orphanedSets = sets.flatMap(set => orphanedSet(set, inventory, isListed) ?? [])
  return [
    ...orphanedSets,
    ...pods.flatMap(pod => orphanedPod(pod, orphanedSets, inventory, isListed) ?? unownedPod(pod, inventory) ?? []),
    ...inventory.deployments.flatMap(deployment => staleRevisions(deployment, sets, pods.filter(isListed))),
  ]
}

/** Whether it is old enough for its owner to have been listed. */
type Listed = (object: KubernetesObject) => boolean

function orphanedSet(set: ReplicaSet, { deployments, pods }: Inventory, isListed: Listed): Stray | undefined {
  const controller = controllerOf(set)
  const owner = controller ?? formerOwner(set)
  if (owner?.kind !== 'Deployment') return undefined
  const neighbours = deployments.filter(deployment => sameNamespace(deployment, set))
  const isOwned = controller
    ? !isListed(set) || neighbours.some(({ metadata }) => metadata.uid === owner.uid)
    : neighbours.some(deployment => adopts(deployment, set))
  if (isOwned) return undefined
  const hasPods = pods.some(pod => isLive(pod) && controllerOf(pod)?.uid === set.metadata.uid)
  return {
    ...orphan(owner, 'Deployment', neighbours),
    kind: 'ReplicaSet',
    object: set,
    root: { kind: 'ReplicaSet', object: set },
    idle: !hasPods && set.spec?.replicas === 0,
  }
}

/** `--cascade=orphan` removes the owner reference. The hash stays, and the set's name still begins with its Deployment's. */
function formerOwner({ metadata }: ReplicaSet): OwnerReference | undefined {
  const hash = metadata.labels?.[TEMPLATE_HASH]
  if (hash === undefined) return undefined
  const suffix = `-${hash}`
  return {
    kind: 'Deployment',
    name: metadata.name.endsWith(suffix) ? metadata.name.slice(0, -suffix.length) : metadata.name,
    uid: '',
  }
}

/** A controller adopts at once whatever has no owner and matches its selector. */
const adopts = (owner: Deployment | ReplicaSet, object: KubernetesObject): boolean =>
  owner.metadata.deletionTimestamp === undefined &&
  sameNamespace(owner, object) &&
  selects(owner.spec?.selector, object.metadata.labels)

function orphan(owner: OwnerReference, kind: string, candidates: readonly KubernetesObject[]) {
  const successor = candidates.find(({ metadata }) => metadata.name === owner.name)
  return {
    rule: 'ownership/orphan' as const,
    message: `orphan of a ${successor ? 're-created' : 'deleted'} ${kind} ${owner.name}`,
    evidence: { ownerUid: owner.uid || null, liveUid: successor?.metadata.uid ?? null },
    ...(successor && { successor: { kind, object: successor } }),
  }
}

/** The chain of owners from a pod to its workload is broken at the first or at the second link. */
function orphanedPod(pod: Pod, orphanedSets: readonly Stray[], inventory: Inventory, isListed: Listed): Stray | undefined {
  const owner = controllerOf(pod)
  if (!owner) return undefined
  const orphanedOwner = orphanedSets.find(({ object }) => object.metadata.uid === owner.uid)
  if (orphanedOwner) return { ...orphanedOwner, kind: 'Pod', object: pod }
  const { replicaSets, statefulSets, daemonSets, jobs } = inventory
  const known: Record<string, readonly KubernetesObject[]> = {
    ReplicaSet: replicaSets,
    StatefulSet: statefulSets,
    DaemonSet: daemonSets,
    Job: jobs,
  }
  const candidates = known[owner.kind]?.filter(candidate => sameNamespace(candidate, pod))
  if (!candidates || !isListed(pod) || candidates.some(({ metadata }) => metadata.uid === owner.uid)) return undefined
  const like = likeWorkload(pod, inventory)
  return {
    ...(like && { successor: like }),
    ...orphan(owner, owner.kind, candidates),
    kind: 'Pod',
    object: pod,
    root: { kind: 'Pod', object: pod },
  }
}

function unownedPod(pod: Pod, inventory: Inventory): Stray | undefined {
  if (controllerOf(pod) || inventory.replicaSets.some(set => adopts(set, pod))) return undefined
  const handmade = !CONTROLLERS_LABELS.some(label => pod.metadata.labels?.[label] !== undefined)
  const like = likeWorkload(pod, inventory)
  if (handmade && !like) return undefined
  const message = like
    ? `a duplicate: it has the labels of ${nameOf(like.kind, like.object)}, but no controller owns it`
    : 'the controller that made it no longer owns it'
  return {
    rule: 'ownership/unowned',
    kind: 'Pod',
    object: pod,
    message,
    evidence: { labels: pod.metadata.labels },
    root: { kind: 'Pod', object: pod },
    handmade,
    ...(like && { successor: like }),
  }
}

const likeWorkload = (pod: Pod, inventory: Inventory): Workload | undefined =>
  workloadsOf(inventory).find(({ object }) => sameNamespace(object, pod) && selects(object.spec?.selector, pod.metadata.labels))

const revisionOf = ({ metadata }: KubernetesObject): number => Number(metadata.annotations?.[REVISION])

/** Once a rollout is complete, only the newest ReplicaSet has pods. */
function staleRevisions(deployment: Deployment, sets: readonly ReplicaSet[], pods: readonly Pod[]): Stray[] {
  if (deploymentRemainder(deployment) !== undefined || deployment.spec?.paused) return []
  const current = revisionOf(deployment)
  return sets
    .filter(set => controllerOf(set)?.uid === deployment.metadata.uid && revisionOf(set) < current)
    .flatMap(set =>
      pods
        .filter(pod => controllerOf(pod)?.uid === set.metadata.uid)
        .map(pod => ({
          rule: 'ownership/stale-revision',
          kind: 'Pod',
          object: pod,
          message: `belongs to revision ${revisionOf(set)} of Deployment ${deployment.metadata.name}, which is at ${current}`,
          evidence: { replicaSet: set.metadata.name, revision: revisionOf(set), current },
          root: { kind: 'ReplicaSet', object: set },
          successor: { kind: 'Deployment', object: deployment },
        })),
    )
}
