import { command } from '../shell.ts'
import { broken, doubtful, type Finding, underway } from './finding.ts'
import type { Inventory } from './inventory.ts'
import {
  type Condition,
  conditionOf,
  controllerOf,
  type DaemonSet,
  type Deployment,
  type KubernetesObject,
  nameOf,
  type ReplicaSet,
  type StatefulSet,
} from './objects.ts'

/**
 * How far the rollouts of Deployments, standalone ReplicaSets, StatefulSets and DaemonSets are, by gitops-engine's rules, which
 * are those of `kubectl rollout status`.
 * @see https://github.com/argoproj/gitops-engine/tree/master/pkg/health
 */
export function rolloutFindings({
  deployments,
  replicaSets,
  statefulSets,
  daemonSets,
}: Pick<Inventory, 'deployments' | 'replicaSets' | 'statefulSets' | 'daemonSets'>): Finding[] {
  const live = new Set(deployments.map(({ metadata }) => metadata.uid))
  // A Deployment is judged together with its ReplicaSets.
  const independent = replicaSets.filter(set => !live.has(controllerOf(set)?.uid ?? ''))
  return [
    ...judged('Deployment', deployments, deploymentFinding),
    ...judged('ReplicaSet', independent, replicaSetFinding),
    ...judged('StatefulSet', statefulSets, set => unfinished('StatefulSet', set, statefulSetRemainder(set))),
    ...judged('DaemonSet', daemonSets, set => unfinished('DaemonSet', set, daemonSetRemainder(set))),
  ]
}

const judged = <T extends KubernetesObject>(
  kind: string,
  workloads: readonly T[],
  judge: (workload: T) => Finding | undefined,
): Finding[] =>
  workloads.flatMap(workload =>
    workload.metadata.deletionTimestamp !== undefined
      ? underway('rollout/terminating', nameOf(kind, workload), 'being deleted', { remedy: describe(kind, workload) })
      : (judge(workload) ?? []),
  )

const UNOBSERVED = 'its controller has not seen the last change yet'

function deploymentFinding(deployment: Deployment): Finding | undefined {
  const object = nameOf('Deployment', deployment)
  const { name, namespace } = deployment.metadata
  const conditions = deployment.status?.conditions
  if (deployment.spec?.paused) {
    const remedy = command`kubectl -n ${namespace} rollout resume deployment ${name}`
    return doubtful('rollout/paused', object, 'paused: changes to its template are not rolled out', { remedy })
  }
  const remedy = `${describe('Deployment', deployment)}, and the events of its newest ReplicaSet's pods`
  if (isObserved(deployment, deployment.status?.observedGeneration)) {
    const progressing = conditionOf(conditions, 'Progressing')
    if (progressing?.reason === 'ProgressDeadlineExceeded') {
      return broken('rollout/deadline', object, progressing.message || 'exceeded its progress deadline', { remedy })
    }
    const failure = replicaFailure(object, conditions, remedy)
    if (failure) return failure
  }
  return unfinished('Deployment', deployment, deploymentRemainder(deployment))
}

function replicaSetFinding(set: ReplicaSet): Finding | undefined {
  const { observedGeneration, conditions } = set.status ?? {}
  const failure = isObserved(set, observedGeneration)
    ? replicaFailure(nameOf('ReplicaSet', set), conditions, describe('ReplicaSet', set))
    : undefined
  return failure ?? unfinished('ReplicaSet', set, replicaSetRemainder(set))
}

function replicaFailure(object: string, conditions: Condition[] | undefined, remedy: string): Finding | undefined {
  const failure = conditionOf(conditions, 'ReplicaFailure')
  if (failure?.status !== 'True') return undefined
  return broken('rollout/replica-failure', object, failure.message || failure.reason || "pods can't be created", { remedy })
}

const describe = (kind: string, { metadata }: KubernetesObject): string =>
  command`kubectl -n ${metadata.namespace} describe ${kind.toLowerCase()} ${metadata.name}`

function unfinished(kind: string, workload: KubernetesObject, remainder: string | undefined): Finding | undefined {
  if (remainder === undefined) return undefined
  return underway('rollout/progressing', nameOf(kind, workload), remainder, { remedy: describe(kind, workload) })
}

const isObserved = ({ metadata }: KubernetesObject, observed = 0): boolean => (metadata.generation ?? 0) <= observed

/** What is left to do in a Deployment's rollout; undefined when it is complete. */
export function deploymentRemainder(deployment: Deployment): string | undefined {
  const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = deployment.status ?? {}
  const wanted = deployment.spec?.replicas ?? 1
  if (!isObserved(deployment, observedGeneration)) return UNOBSERVED
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} new pods have been created`
  if (replicas > updatedReplicas) return `${replicas - updatedReplicas} old pods are still there`
  if (availableReplicas < updatedReplicas) return `${availableReplicas} of ${updatedReplicas} new pods are available`
  return undefined
}

function replicaSetRemainder(set: ReplicaSet): string | undefined {
  const { observedGeneration, availableReplicas = 0 } = set.status ?? {}
  const wanted = set.spec?.replicas ?? 1
  if (!isObserved(set, observedGeneration)) return UNOBSERVED
  return availableReplicas < wanted ? `${availableReplicas} of ${wanted} pods are available` : undefined
}

function statefulSetRemainder(set: StatefulSet): string | undefined {
  const { observedGeneration, readyReplicas = 0, updatedReplicas = 0, currentRevision, updateRevision } = set.status ?? {}
  const { replicas: wanted = 1, updateStrategy } = set.spec ?? {}
  if (!observedGeneration || !isObserved(set, observedGeneration)) return UNOBSERVED
  if (readyReplicas < wanted) return `${readyReplicas} of ${wanted} pods are ready`
  if (updateStrategy?.type === 'OnDelete') return undefined
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0
  if (partition > 0) {
    const share = wanted - partition
    return updatedReplicas < share ? `${updatedReplicas} of ${share} pods of the partition are updated` : undefined
  }
  return updateRevision === currentRevision ? undefined : `${updatedReplicas} of ${wanted} pods are updated`
}

function daemonSetRemainder(set: DaemonSet): string | undefined {
  const {
    observedGeneration,
    desiredNumberScheduled: wanted = 0,
    updatedNumberScheduled = 0,
    numberAvailable = 0,
  } = set.status ?? {}
  if (!isObserved(set, observedGeneration)) return UNOBSERVED
  if (set.spec?.updateStrategy?.type === 'OnDelete') return undefined
  if (updatedNumberScheduled < wanted) return `${updatedNumberScheduled} of ${wanted} pods are updated`
  return numberAvailable < wanted ? `${numberAvailable} of ${wanted} pods are available` : undefined
}

/** What is left to do in a workload's rollout; undefined when it is complete, or the kind has no rollouts. */
export function remainderOf({ kind, object }: { kind: string; object: KubernetesObject }): string | undefined {
  if (kind === 'Deployment') return deploymentRemainder(object)
  if (kind === 'ReplicaSet') return replicaSetRemainder(object)
  if (kind === 'StatefulSet') return statefulSetRemainder(object)
  return kind === 'DaemonSet' ? daemonSetRemainder(object) : undefined
}
