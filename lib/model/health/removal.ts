import type { Inventory } from './inventory.ts'
import { controllerOf, isLive, isReady, nameOf, type Pod, sameNamespace, selects } from './objects.ts'
import { type Stray, strays } from './ownership.ts'
import { remainderOf } from './rollout.ts'

/** A pod or ReplicaSet to delete. */
export interface Removal {
  kind: 'Pod' | 'ReplicaSet'
  namespace: string
  name: string
  uid: string
  /** The names of the pods that go with it. */
  pods: string[]
  why: string
}

/** A stale object that is kept. */
export interface Kept {
  kind: 'Pod' | 'ReplicaSet'
  namespace: string
  name: string
  /** What must be true first. */
  why: string
}

/** A stale object, and the pods that go with it when it is deleted. */
interface Candidate {
  stray: Stray
  going: Pod[]
}

/**
 * Which stale and duplicate pods, and which ReplicaSets of an earlier owner, may be deleted. Never what belongs to the live owner,
 * which is no stray by definition; nothing before its successor is complete; and never the last ready pod of a service: a duplicate
 * that serves is better than nothing.
 */
export function removalsOf(inventory: Inventory, now: Date): { remove: Removal[]; keep: Kept[] } {
  const candidates = candidatesOf(inventory, now)
  const obstacles = candidates.map(({ stray }) => obstacle(stray))
  const going = new Set(candidates.filter((_, index) => obstacles[index] === undefined).flatMap(candidate => candidate.going))
  const judged = candidates.map((candidate, index) => ({
    candidate,
    why: obstacles[index] ?? lastOfService(candidate, going, inventory),
  }))
  return {
    remove: judged.flatMap(({ candidate, why }) => (why === undefined ? removal(candidate) : [])),
    keep: judged.flatMap(({ candidate, why }) => (why === undefined ? [] : { ...identity(candidate), why })),
  }
}

function candidatesOf(inventory: Inventory, now: Date): Candidate[] {
  const byRoot = new Map(strays(inventory, now).map(stray => [stray.root.object.metadata.uid, stray]))
  return [...byRoot.values()].map(stray => ({
    stray,
    going: inventory.pods.filter(
      pod =>
        isLive(pod) &&
        (stray.root.kind === 'Pod' ? pod.metadata.uid : controllerOf(pod)?.uid) === stray.root.object.metadata.uid,
    ),
  }))
}

function obstacle({ handmade, successor }: Stray): string | undefined {
  if (handmade) return 'no controller made it: delete it by hand if nobody wants it'
  const remainder = successor && remainderOf(successor)
  return remainder && `${nameOf(successor.kind, successor.object)} is still replacing it: ${remainder}`
}

function lastOfService({ going: own }: Candidate, going: ReadonlySet<Pod>, { services, pods }: Inventory): string | undefined {
  const bereft = services.find(service => {
    const serves = (pod: Pod) =>
      sameNamespace(pod, service) && isReady(pod) && selects({ matchLabels: service.spec?.selector ?? {} }, pod.metadata.labels)
    return own.some(serves) && !pods.some(pod => isLive(pod) && !going.has(pod) && serves(pod))
  })
  return bereft && `${nameOf('Service', bereft)} would be left without a ready pod`
}

function identity({ stray: { root } }: Candidate) {
  const { name, namespace = '' } = root.object.metadata
  return { kind: root.kind, namespace, name }
}

const removal = (candidate: Candidate): Removal => ({
  ...identity(candidate),
  uid: candidate.stray.root.object.metadata.uid,
  pods: candidate.going.map(({ metadata }) => metadata.name),
  why: candidate.stray.message,
})

/** The names of deleted objects, and of their pods, that are still there. */
export function remaining(removals: readonly Removal[], { pods, replicaSets }: Inventory): string[] {
  const uids = new Set<string | undefined>(removals.map(({ uid }) => uid))
  return [...replicaSets, ...pods]
    .filter(object => uids.has(object.metadata.uid) || uids.has(controllerOf(object)?.uid))
    .map(({ metadata }) => metadata.name)
}
