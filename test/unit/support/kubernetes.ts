import type { Finding } from '../../../lib/model/health/finding.ts'
import type { Inventory } from '../../../lib/model/health/inventory.ts'
import type {
  Application,
  ContainerStatus,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Job,
  KubernetesObject,
  Lease,
  Metadata,
  Namespace,
  Node,
  OwnerReference,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Service,
  StatefulSet,
  StorageClass,
} from '../../../lib/model/health/objects.ts'

/** When the tables take place. */
export const NOW = new Date('2025-11-01T12:00:00Z')
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

/** The API's timestamp of `ms` milliseconds before NOW. */
export const ago = (ms: number): string => new Date(NOW.getTime() - ms).toISOString().replace('.000Z', 'Z')

/** What a fixture has in place of the healthy object's members; the members of metadata, spec and status one by one. */
export type Change<T> = {
  [K in keyof T]?: Partial<T[K]>
}

const builder =
  <T extends KubernetesObject & { spec?: object; status?: object }>(healthy: T) =>
  (change: Change<T> = {}): T => ({
    ...healthy,
    ...change,
    metadata: { ...healthy.metadata, ...change.metadata },
    ...(healthy.spec && { spec: { ...healthy.spec, ...change.spec } }),
    ...(healthy.status && { status: { ...healthy.status, ...change.status } }),
  })

const named = (name: string, more: Partial<Metadata> = {}): Metadata => ({
  name,
  namespace: 'threads',
  uid: `uid-${name}`,
  creationTimestamp: ago(HOUR),
  ...more,
})
const clusterWide = (name: string): Metadata => ({ name, uid: `uid-${name}`, creationTimestamp: ago(HOUR) })

export const LABELS = { 'app.kubernetes.io/name': 'nextjs' }
const HASHED = { ...LABELS, 'pod-template-hash': '5d8f' }
const IMAGE = 'us-east1-docker.pkg.dev/web-service-design/threads/nextjs:0f1e'

/** `controller: true`, as every controller sets it. */
export const ownedBy = (kind: string, name: string, uid = `uid-${name}`): { ownerReferences: OwnerReference[] } => ({
  ownerReferences: [{ kind, name, uid, controller: true }],
})

export const ready = (status: 'True' | 'False', since = ago(HOUR)) => [{ type: 'Ready', status, lastTransitionTime: since }]

/** A container that runs and is ready by default. */
export const container = (change: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'nextjs',
  image: IMAGE,
  imageID: `${IMAGE}@sha256:aa`,
  ready: true,
  restartCount: 0,
  state: { running: { startedAt: ago(HOUR) } },
  ...change,
})

export const node = builder<Node>({
  metadata: clusterWide('vm'),
  spec: {},
  status: { conditions: ready('True'), nodeInfo: { architecture: 'amd64' } },
})
export const lease = builder<Lease>({
  metadata: named('vm', { namespace: 'kube-node-lease' }),
  spec: { renewTime: ago(5 * SECOND), leaseDurationSeconds: 40 },
})
export const namespace = builder<Namespace>({ metadata: clusterWide('threads'), spec: {}, status: { phase: 'Active' } })
export const pod = builder<Pod>({
  metadata: named('nextjs-5d8f-x', { labels: HASHED, ...ownedBy('ReplicaSet', 'nextjs-5d8f') }),
  spec: { nodeName: 'vm', restartPolicy: 'Always', containers: [{ name: 'nextjs', image: IMAGE }] },
  status: { phase: 'Running', conditions: ready('True'), containerStatuses: [container()] },
})
export const replicaSet = builder<ReplicaSet>({
  metadata: named('nextjs-5d8f', {
    labels: HASHED,
    annotations: { 'deployment.kubernetes.io/revision': '1' },
    generation: 1,
    ...ownedBy('Deployment', 'nextjs'),
  }),
  spec: { replicas: 1, selector: { matchLabels: HASHED } },
  status: { observedGeneration: 1, replicas: 1, availableReplicas: 1 },
})
export const deployment = builder<Deployment>({
  metadata: named('nextjs', { labels: LABELS, annotations: { 'deployment.kubernetes.io/revision': '1' }, generation: 3 }),
  spec: { replicas: 1, selector: { matchLabels: LABELS } },
  status: { observedGeneration: 3, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
})
export const statefulSet = builder<StatefulSet>({
  metadata: named('db', { generation: 1 }),
  spec: { replicas: 2, selector: { matchLabels: { app: 'db' } }, updateStrategy: { type: 'RollingUpdate' } },
  status: { observedGeneration: 1, readyReplicas: 2, updatedReplicas: 2, currentRevision: 'db-1', updateRevision: 'db-1' },
})
export const daemonSet = builder<DaemonSet>({
  metadata: named('agent', { generation: 1 }),
  spec: { selector: { matchLabels: { app: 'agent' } }, updateStrategy: { type: 'RollingUpdate' } },
  status: { observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1 },
})
export const job = builder<Job>({ metadata: named('migrate'), status: {} })
export const claim = builder<PersistentVolumeClaim>({
  metadata: named('postgres'),
  spec: { storageClassName: 'local-path', volumeName: 'pvc-1' },
  status: { phase: 'Bound' },
})
export const storageClass = builder<StorageClass>({
  metadata: { ...clusterWide('local-path'), annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'rancher.io/local-path',
  volumeBindingMode: 'WaitForFirstConsumer',
})
export const service = builder<Service>({
  metadata: named('nextjs'),
  spec: { type: 'NodePort', selector: LABELS, ports: [{ port: 3000, nodePort: 30000 }] },
  status: {},
})
export const endpointSlice = builder<EndpointSlice>({
  metadata: named('nextjs-1', { labels: { 'kubernetes.io/service-name': 'nextjs' } }),
  endpoints: [{ addresses: ['10.244.0.7'], conditions: { ready: true } }],
})
export const application = builder<Application>({
  metadata: named('threads', { namespace: 'argocd' }),
  spec: { syncPolicy: { automated: { selfHeal: true } } },
  status: {
    reconciledAt: ago(MINUTE),
    sync: { status: 'Synced', revision: 'abc' },
    health: { status: 'Healthy' },
    operationState: { phase: 'Succeeded', finishedAt: ago(HOUR), syncResult: { revision: 'abc' } },
    resources: [{ kind: 'Deployment', namespace: 'threads', name: 'nextjs', status: 'Synced', health: { status: 'Healthy' } }],
  },
})

/** A small cluster that no rule has anything to say about. */
export const inventory = (change: Partial<Inventory> = {}): Inventory => ({
  nodes: [node()],
  leases: [lease()],
  namespaces: [namespace()],
  pods: [pod()],
  deployments: [deployment()],
  replicaSets: [replicaSet()],
  statefulSets: [],
  daemonSets: [],
  jobs: [],
  volumeClaims: [claim()],
  storageClasses: [storageClass()],
  services: [service()],
  endpointSlices: [endpointSlice()],
  applications: [application()],
  ...change,
})

const STALE = { ...LABELS, 'pod-template-hash': '77aa' }

/** A ReplicaSet that an earlier Deployment of the same name made. */
export const staleSet = (metadata: Partial<Metadata> = {}, spec: ReplicaSet['spec'] = {}): ReplicaSet =>
  replicaSet({
    metadata: { name: 'nextjs-77aa', uid: 'uid-stale-set', labels: STALE, ...metadata },
    spec: { selector: { matchLabels: STALE }, ...spec },
  })

/** Its pod by default. */
export const stalePod = (
  metadata: Partial<Metadata> = ownedBy('ReplicaSet', 'nextjs-77aa', 'uid-stale-set'),
  status: Pod['status'] = {},
): Pod => pod({ metadata: { name: 'nextjs-77aa-y', uid: 'uid-stale-pod', labels: STALE, ...metadata }, status })

/** These beside those of the live Deployment. */
export const beside = (set: ReplicaSet, ...pods: Pod[]): Partial<Inventory> => ({
  replicaSets: [replicaSet(), set],
  pods: [pod(), ...pods],
})

/** Findings as a table shows them: `error pod/image`, `warning pod/not-ready, heals`. */
export const inBrief = (findings: readonly Finding[]): string[] =>
  findings.map(({ severity, rule, heals }) => `${severity} ${rule}${heals ? ', heals' : ''}`)
