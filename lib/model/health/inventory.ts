import type { Makers } from '../layer/maker.ts'
import type {
  Application,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Job,
  Lease,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Service,
  StatefulSet,
  StorageClass,
} from './objects.ts'

/** Everything that the rules read of a cluster. */
export interface Inventory {
  nodes: Node[]
  leases: Lease[]
  namespaces: Namespace[]
  pods: Pod[]
  deployments: Deployment[]
  replicaSets: ReplicaSet[]
  statefulSets: StatefulSet[]
  daemonSets: DaemonSet[]
  jobs: Job[]
  volumeClaims: PersistentVolumeClaim[]
  storageClasses: StorageClass[]
  services: Service[]
  endpointSlices: EndpointSlice[]
  applications: Application[]
}

export type InventoryKind = keyof Inventory

/** What healthy means in an environment, by its configuration. */
export interface Expectations {
  /** The least number of ready pods in each namespace. */
  namespaces: Readonly<Record<string, { readonly pods: number }>>
  /** `namespace/name` of Applications that must be there. */
  applications: readonly string[]
  /** `namespace/name` of PersistentVolumeClaims that must be bound. */
  volumes: readonly string[]
  /** Images that the pods of a namespace must run; the image's repository says which pods are meant. */
  images?: readonly { readonly namespace: string; readonly image: string }[]
  /** Which layers make what may be missing, where that is known. */
  makers?: Makers
}
