import { type KubernetesObject, type Pod, type Selector, selects } from '../health/objects.ts'

/** The parts of a pod's template that may name a Secret. */
export interface PodTemplate {
  spec?: {
    containers?: ReadingContainer[]
    initContainers?: ReadingContainer[]
    volumes?: {
      secret?: { secretName?: string }
      projected?: { sources?: { secret?: { name?: string } }[] }
    }[]
  }
}
interface ReadingContainer {
  env?: { valueFrom?: { secretKeyRef?: { name?: string } } }[]
  envFrom?: { secretRef?: { name?: string } }[]
}

/** A Deployment, StatefulSet or DaemonSet. */
export interface Workload extends KubernetesObject {
  spec?: {
    replicas?: number
    paused?: boolean
    selector?: Selector
    updateStrategy?: { type?: string }
    template?: PodTemplate
  }
}

export interface StoredSecret extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { managedFields?: { time?: string; fieldsV1?: Record<string, unknown> }[] }
  data?: Record<string, string>
}

/** The names of the Secrets that a template's pods read: as variables, or as files. */
export function secretsRead({ spec }: PodTemplate = {}): string[] {
  const { containers = [], initContainers = [], volumes = [] } = spec ?? {}
  const all = [...initContainers, ...containers]
  const names = [
    ...all.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name)),
    ...all.flatMap(({ envFrom = [] }) => envFrom.map(({ secretRef }) => secretRef?.name)),
    ...volumes.map(({ secret }) => secret?.secretName),
    ...volumes.flatMap(({ projected }) => (projected?.sources ?? []).map(({ secret }) => secret?.name)),
  ]
  return [...new Set(names.filter(name => name !== undefined).filter(name => name !== ''))].sort()
}

/** Why a change of its template replaces no pods; undefined where it does. */
export function heldBack({ spec }: Workload): string | undefined {
  if (spec?.paused) return 'it is paused'
  return spec?.updateStrategy?.type === 'OnDelete' ? 'its pods are replaced only when somebody deletes them' : undefined
}

/**
 * When a Secret's data was last changed, by the API server's clock; undefined where it does not say.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function changedAt({ metadata }: StoredSecret): string | undefined {
  const times = (metadata.managedFields ?? []).flatMap(({ time, fieldsV1 }) => (time && fieldsV1?.['f:data'] ? time : []))
  return times.sort().at(-1)
}

/** Whether a pod of the workload began before the Secret was changed: a run that was interrupted, or nobody, has restarted it since. */
export function isStale(workload: Workload, secret: StoredSecret, pods: readonly Pod[]): boolean {
  const changed = changedAt(secret)
  if (changed === undefined) return false
  return pods.some(
    ({ metadata }) =>
      metadata.namespace === workload.metadata.namespace &&
      metadata.deletionTimestamp === undefined &&
      selects(workload.spec?.selector, metadata.labels) &&
      (metadata.creationTimestamp ?? changed) < changed,
  )
}
