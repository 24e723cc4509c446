import { broken, doubtful, type Finding, underway } from './finding.ts'
import { conditionOf, type DaemonSet, type Deployment, type KubernetesObject, nameOf, type StatefulSet } from './objects.ts'

/**
 * How far the rollouts of Deployments, StatefulSets and DaemonSets are, by gitops-engine's rules, which are those of
 * `kubectl rollout status`.
 * @see https://github.com/argoproj/gitops-engine/tree/master/pkg/health
 */
export function rolloutFindings(
  deployments: readonly Deployment[],
  statefulSets: readonly StatefulSet[],
  daemonSets: readonly DaemonSet[],
): Finding[] {
  return [
    ...deployments.flatMap(deployment => deploymentFinding(deployment) ?? []),
    ...statefulSets.flatMap(set => unfinished('StatefulSet', set, statefulSetRemainder(set))),
    ...daemonSets.flatMap(set => unfinished('DaemonSet', set, daemonSetRemainder(set))),
  ]
}

const UNOBSERVED = 'its controller has not seen the last change yet'

function deploymentFinding(deployment: Deployment): Finding | undefined {
  const object = nameOf('Deployment', deployment)
  const { name, namespace } = deployment.metadata
  const conditions = deployment.status?.conditions
  if (deployment.spec?.paused) {
    const remedy = `kubectl -n ${namespace} rollout resume deployment ${name}`
    return doubtful('rollout/paused', object, 'paused: changes of its template are not rolled out', { remedy })
  }
  const remedy = `kubectl -n ${namespace} describe deployment ${name}, and the events of its newest ReplicaSet's pods`
  if (isObserved(deployment, deployment.status?.observedGeneration)) {
    const progressing = conditionOf(conditions, 'Progressing')
    if (progressing?.reason === 'ProgressDeadlineExceeded') {
      return broken('rollout/deadline', object, progressing.message || 'exceeded its progress deadline', { remedy })
    }
    const failure = conditionOf(conditions, 'ReplicaFailure')
    if (failure?.status === 'True') {
      return broken('rollout/replica-failure', object, failure.message || failure.reason || "pods can't be created", { remedy })
    }
  }
  return unfinished('Deployment', deployment, deploymentRemainder(deployment))[0]
}

const unfinished = (kind: string, workload: KubernetesObject, remainder: string | undefined): Finding[] => {
  if (remainder === undefined) return []
  const { name, namespace } = workload.metadata
  const remedy = `kubectl -n ${namespace} rollout status ${kind.toLowerCase()} ${name}`
  return [underway('rollout/progressing', nameOf(kind, workload), remainder, { remedy })]
}

const isObserved = ({ metadata }: KubernetesObject, observed = 0): boolean => (metadata.generation ?? 0) <= observed

/** What is left to do of a Deployment's rollout, or undefined when it is complete. */
export function deploymentRemainder(deployment: Deployment): string | undefined {
  const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = deployment.status ?? {}
  const wanted = deployment.spec?.replicas ?? 1
  if (!isObserved(deployment, observedGeneration)) return UNOBSERVED
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} new pods are there`
  if (replicas > updatedReplicas) return `${replicas - updatedReplicas} old pods are still to go`
  if (availableReplicas < updatedReplicas) return `${availableReplicas} of ${updatedReplicas} new pods are available`
  return undefined
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
