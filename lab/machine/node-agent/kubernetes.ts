/** The parts of Kubernetes objects that the node agent reads and writes. */
export interface Metadata {
  name: string
  namespace?: string
  uid: string
  resourceVersion?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
}

export interface KubernetesObject {
  metadata: Metadata
}

interface KeyReference {
  name: string
  key: string
  optional?: boolean
}
interface NameReference {
  name: string
  optional?: boolean
}

export interface Probe {
  httpGet?: {
    path?: string
    port: number | string
    host?: string
    scheme?: string
    httpHeaders?: { name: string; value: string }[]
  }
  tcpSocket?: { port: number | string; host?: string }
  exec?: { command: string[] }
  /** The API server fills in all omitted fields but this one. */
  initialDelaySeconds?: number
  periodSeconds: number
  timeoutSeconds: number
  successThreshold: number
  failureThreshold: number
  terminationGracePeriodSeconds?: number
}

interface User {
  runAsUser?: number
  runAsGroup?: number
}

export interface Container {
  name: string
  image: string
  command?: string[]
  args?: string[]
  workingDir?: string
  ports?: { name?: string; containerPort: number }[]
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[]
  startupProbe?: Probe
  readinessProbe?: Probe
  livenessProbe?: Probe
  resources?: { requests?: Record<string, string> }
  securityContext?: User & { readOnlyRootFilesystem?: boolean }
  /** Somebody may type into it. */
  stdin?: boolean
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never'
  /** On an init container, `Always` makes it a sidecar. */
  restartPolicy?: 'Always'
  env?: {
    name: string
    value?: string
    valueFrom?: { configMapKeyRef?: KeyReference; secretKeyRef?: KeyReference; fieldRef?: { fieldPath: string } }
  }[]
  envFrom?: { prefix?: string; configMapRef?: NameReference; secretRef?: NameReference }[]
}

export interface Volume {
  name: string
  secret?: { secretName: string; optional?: boolean }
  configMap?: NameReference
  persistentVolumeClaim?: { claimName: string }
  emptyDir?: { medium?: string; sizeLimit?: string }
  hostPath?: { path: string }
  projected?: { sources?: { secret?: NameReference; configMap?: NameReference }[] }
}

export interface Terminated {
  exitCode: number
  reason: string
  message?: string
  startedAt: string | null
  finishedAt: string | null
  containerID?: string
}
export interface ContainerState {
  waiting?: { reason: string; message?: string }
  running?: { startedAt: string }
  terminated?: Terminated
}
export interface ContainerStatus {
  name: string
  image: string
  imageID: string
  containerID?: string
  ready: boolean
  started?: boolean
  restartCount: number
  state: ContainerState
  lastState: ContainerState
}

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason?: string
  message?: string
  lastProbeTime?: null
  lastTransitionTime?: string
}
export interface PodStatus {
  phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  reason?: string
  message?: string
  conditions?: Condition[]
  startTime?: string
  hostIP?: string
  hostIPs?: { ip: string }[]
  podIP?: string
  podIPs?: { ip: string }[]
  initContainerStatuses?: ContainerStatus[]
  containerStatuses?: ContainerStatus[]
  ephemeralContainerStatuses?: ContainerStatus[]
}

export interface Pod extends KubernetesObject {
  spec: {
    nodeName: string
    hostNetwork?: boolean
    serviceAccountName?: string
    restartPolicy: 'Always' | 'OnFailure' | 'Never'
    terminationGracePeriodSeconds?: number
    hostname?: string
    priority?: number
    securityContext?: User & { fsGroup?: number; supplementalGroups?: number[] }
    initContainers?: Container[]
    containers: Container[]
    /** Added to a running pod, as by `kubectl debug`. */
    ephemeralContainers?: Container[]
    volumes?: Volume[]
  }
  status: PodStatus
}

export interface PersistentVolumeClaim extends KubernetesObject {
  spec: {
    storageClassName?: string
    volumeName?: string
    accessModes: string[]
    resources: { requests: { storage: string } }
    volumeMode?: string
  }
  status?: { phase?: string }
}
export interface PersistentVolume extends KubernetesObject {
  spec: { hostPath?: { path: string }; persistentVolumeReclaimPolicy?: string }
  status?: { phase?: string }
}

export interface Service extends KubernetesObject {
  spec: {
    type: string
    clusterIP?: string
    ports?: { name?: string; port: number; nodePort?: number }[]
  }
}
export interface EndpointSlice extends KubernetesObject {
  endpoints: { addresses: string[]; conditions?: { ready?: boolean } }[] | null
  ports: { name?: string; port?: number }[] | null
}

export const namespaceOf = ({ metadata }: KubernetesObject): string => metadata.namespace ?? 'default'
