import { objectName } from '../namespaced-name.ts'

/** The parts of Kubernetes objects that the rules read, as in the API's JSON: timestamps are ISO 8601 text. */

export interface Metadata {
  name: string
  namespace?: string
  uid: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  /** When its grace period ends, not when the deletion was asked for. */
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
}

export interface OwnerReference {
  kind: string
  name: string
  uid: string
  controller?: boolean
}

export interface KubernetesObject {
  metadata: Metadata
}

export interface Condition {
  type: string
  status?: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export interface Selector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

export interface Node extends KubernetesObject {
  spec?: { unschedulable?: boolean }
  status?: { conditions?: Condition[]; nodeInfo?: { architecture?: string } }
}

/** A node's heartbeat: in namespace kube-node-lease, under the node's name. */
export interface Lease extends KubernetesObject {
  spec?: { renewTime?: string; leaseDurationSeconds?: number }
}

export interface Namespace extends KubernetesObject {
  spec?: { finalizers?: string[] }
  status?: { phase?: string; conditions?: Condition[] }
}

export interface TerminatedState {
  exitCode: number
  reason?: string
  message?: string
  finishedAt?: string
}

export interface ContainerStatus {
  name: string
  image?: string
  imageID?: string
  ready?: boolean
  restartCount?: number
  state?: { waiting?: { reason?: string; message?: string }; running?: { startedAt?: string }; terminated?: TerminatedState }
  lastState?: { terminated?: TerminatedState }
}

export interface Container {
  name: string
  image: string
  ports?: { name?: string; containerPort: number }[]
}

export interface Pod extends KubernetesObject {
  spec?: {
    nodeName?: string
    restartPolicy?: string
    containers?: Container[]
    initContainers?: Container[]
    volumes?: { name: string; persistentVolumeClaim?: { claimName: string } }[]
  }
  status?: {
    phase?: string
    reason?: string
    message?: string
    conditions?: Condition[]
    initContainerStatuses?: ContainerStatus[]
    containerStatuses?: ContainerStatus[]
  }
}

export interface Deployment extends KubernetesObject {
  spec?: { replicas?: number; paused?: boolean; selector?: Selector }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    availableReplicas?: number
    conditions?: Condition[]
  }
}

export interface ReplicaSet extends KubernetesObject {
  spec?: { replicas?: number; selector?: Selector }
  status?: { observedGeneration?: number; replicas?: number; availableReplicas?: number; conditions?: Condition[] }
}

export interface StatefulSet extends KubernetesObject {
  spec?: {
    replicas?: number
    selector?: Selector
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } }
  }
  status?: {
    observedGeneration?: number
    readyReplicas?: number
    updatedReplicas?: number
    currentRevision?: string
    updateRevision?: string
  }
}

export interface DaemonSet extends KubernetesObject {
  spec?: { selector?: Selector; updateStrategy?: { type?: string } }
  status?: {
    observedGeneration?: number
    desiredNumberScheduled?: number
    updatedNumberScheduled?: number
    numberAvailable?: number
  }
}

export interface Job extends KubernetesObject {
  status?: { conditions?: Condition[] }
}

export interface PersistentVolumeClaim extends KubernetesObject {
  spec?: { storageClassName?: string; volumeName?: string }
  status?: { phase?: string }
}

export interface StorageClass extends KubernetesObject {
  provisioner?: string
  volumeBindingMode?: string
}

export interface ServicePort {
  name?: string
  port: number
  nodePort?: number
  /** A number, or the name of a container's port; by default the same as `port`. */
  targetPort?: number | string
}

export interface Service extends KubernetesObject {
  spec?: { type?: string; selector?: Record<string, string>; ports?: ServicePort[] }
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }
}

export interface EndpointSlice extends KubernetesObject {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[] | null
}

/** Where an Application's manifests come from; `kustomize.images` are the Image Updater's: `name=image:tag`. */
export interface ApplicationSource {
  repoURL?: string
  targetRevision?: string
  kustomize?: { images?: string[] }
}

/** One revision, or one for each of several sources: then the single one is empty or absent. */
export interface Revisions {
  revision?: string
  revisions?: string[]
}

/** argoproj.io/v1alpha1 */
export interface Application extends KubernetesObject {
  spec?: {
    source?: ApplicationSource
    sources?: ApplicationSource[]
    destination?: { namespace?: string }
    syncPolicy?: { automated?: { selfHeal?: boolean; enabled?: boolean } }
  }
  status?: {
    /** What its pods run. */
    summary?: { images?: string[] }
    /** Every sync that succeeded, oldest first. */
    history?: { deployStartedAt?: string; deployedAt?: string; source?: ApplicationSource; sources?: ApplicationSource[] }[]
    reconciledAt?: string
    sync?: { status?: string } & Revisions
    health?: { status?: string; message?: string }
    conditions?: Condition[]
    operationState?: {
      phase?: string
      message?: string
      finishedAt?: string
      retryCount?: number
      syncResult?: Revisions
    }
    resources?: {
      kind?: string
      namespace?: string
      name?: string
      status?: string
      health?: { status?: string; message?: string }
    }[]
  }
}

/** `threads/Pod/nextjs-…`, `Node/threads-lab-vm`. */
export const nameOf = (kind: string, { metadata }: KubernetesObject): string => objectName(kind, metadata)

export const conditionOf = (conditions: Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find(condition => condition.type === type)

/** Label selectors as the API server evaluates them; an empty or missing one selects nothing here. */
export function selects(selector: Selector | undefined, labels: Record<string, string> = {}): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {})
  const expressions = selector?.matchExpressions ?? []
  if (equal.length + expressions.length === 0) return false
  return (
    equal.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'In') return value !== undefined && values.includes(value)
      if (operator === 'NotIn') return value === undefined || !values.includes(value)
      return operator === 'Exists' ? value !== undefined : value === undefined
    })
  )
}

export const sameNamespace = (a: KubernetesObject, b: KubernetesObject): boolean =>
  a.metadata.namespace === b.metadata.namespace

/** It has not ended and is not being deleted. */
export const isLive = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

export const isReady = ({ status }: Pod): boolean => conditionOf(status?.conditions, 'Ready')?.status === 'True'

export const controllerOf = ({ metadata }: KubernetesObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller)
