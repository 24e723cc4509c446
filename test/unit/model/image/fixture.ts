import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import type { Application, Pod } from '../../../../lib/model/health/objects.ts'
import type { Survey } from '../../../../lib/model/image/sighting.ts'
import type { Source, Subject, World } from '../../../../lib/model/image/world.ts'

export const SHA = 'b'.repeat(40)
export const OLD = 'a'.repeat(40)
export const IMAGE = 'us-east1-docker.pkg.dev/web-service-design/threads/ml-service'
export const DIGEST = `sha256:${'1'.repeat(64)}`
/** What an index has for the node. */
export const CHILD = `sha256:${'2'.repeat(64)}`
export const now = new Date('2026-01-01T00:10:00Z')

/** A time of the story, in seconds after it begins. */
export const at = (seconds: number): string =>
  new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000).toISOString().replace('.000Z', 'Z')

export const subject: Subject = {
  service: 'ml-service',
  repository: 'unknowntpo/threads-nextjs',
  workflow: '.github/workflows/deploy-gcp.yml',
  sha: SHA,
  pushedAt: at(0),
  image: IMAGE,
  namespace: 'threads',
  application: 'argocd/threads',
  platform: 'linux/amd64',
}

const survey: Survey = { before: at(100), at: at(102) }
export const surveys: Record<Source, Survey> = { ci: survey, registry: survey, cluster: survey }

export const run = (status: string, conclusion: string | null = null) => ({
  ...{ id: 5, path: subject.workflow, status, conclusion, created_at: at(1), updated_at: at(90) },
  html_url: 'https://github.example/runs/5',
})

export const job = (status: string, conclusion: string | null = null, more: object = {}) => ({
  ...{ name: 'build (ml-service)', status, conclusion, started_at: at(10), completed_at: conclusion ? at(80) : null },
  ...more,
})

export const image = (platform = 'linux/amd64') => ({ digest: DIGEST, builds: [{ platform, digest: CHILD }] })

export const PREFIX = 'argocd-image-updater.argoproj.io'

export function application({
  tag = OLD,
  live = [`${IMAGE}:${OLD}`],
  synced = false,
  annotations = {},
}: {
  tag?: string
  live?: string[]
  synced?: boolean
  annotations?: Record<string, string>
} = {}): Application {
  const source = { kustomize: { images: [`${IMAGE}=${IMAGE}:${tag}`] } }
  return {
    metadata: {
      ...{ name: 'threads', namespace: 'argocd', uid: 'app' },
      annotations: {
        [`${PREFIX}/image-list`]: `ml-service=${IMAGE}`,
        [`${PREFIX}/ml-service.allow-tags`]: 'regexp:^[0-9a-f]{40}$',
        [`${PREFIX}/ml-service.platforms`]: 'linux/amd64',
        ...annotations,
      },
    },
    spec: { source, syncPolicy: { automated: { selfHeal: true } } },
    status: {
      reconciledAt: now.toISOString(),
      sync: { status: 'Synced' },
      health: { status: 'Healthy' },
      summary: { images: live },
      history: [
        { deployStartedAt: at(-100), deployedAt: at(-99), source: { kustomize: { images: [`${IMAGE}=${IMAGE}:${OLD}`] } } },
        ...(synced ? [{ deployStartedAt: at(121), deployedAt: at(122), source }] : []),
      ],
    },
  }
}

interface PodOptions {
  tag?: string
  digest?: string
  ready?: boolean
  /** Reason and message, after a colon. */
  waiting?: string
  /** By the ReplicaSet `set-b`. */
  owned?: boolean
}

export function pod(name: string, { tag = SHA, digest = CHILD, ready = true, waiting, owned = false }: PodOptions = {}): Pod {
  const [, reason = '', message = ''] = /^(\w+): (.*)$/.exec(waiting ?? '') ?? []
  return {
    metadata: {
      ...{ name, namespace: 'threads', uid: name, creationTimestamp: at(123) },
      ownerReferences: owned ? [{ kind: 'ReplicaSet', name: 'set-b', uid: 'set-b', controller: true }] : [],
    },
    spec: { nodeName: 'vm', restartPolicy: 'Always', containers: [{ name: 'app', image: `${IMAGE}:${tag}` }] },
    status: {
      phase: ready ? 'Running' : 'Pending',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(130) }],
      containerStatuses: [
        {
          ...{ name: 'app', image: `${IMAGE}:${tag}`, ready, restartCount: 0 },
          imageID: ready ? `${IMAGE}@${digest}` : '',
          state: waiting === undefined ? { running: {} } : { waiting: { reason, message } },
        },
      ],
    },
  }
}

export const updaterPod = (ready = true): Pod => ({
  metadata: { name: 'updater', namespace: 'argocd', uid: 'u', labels: { 'app.kubernetes.io/name': 'argocd-image-updater' } },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})

export const event = (tag = SHA, time = at(120)) => ({
  metadata: {
    ...{ name: 'threads.1', namespace: 'argocd', uid: `event-${tag[0]}-${time}` },
    annotations: {
      'argocd-image-updater.image-0/full-image-name': IMAGE.replace('ml-service', 'nextjs'),
      'argocd-image-updater.image-0/new-tag': SHA,
      'argocd-image-updater.image-1/full-image-name': IMAGE,
      'argocd-image-updater.image-1/new-tag': tag,
    },
  },
  reason: 'ImagesUpdated',
  firstTimestamp: time,
})

export function inventory(more: Partial<Inventory> = {}): Inventory {
  return {
    nodes: [{ metadata: { name: 'vm', uid: 'vm' }, status: { nodeInfo: { architecture: 'amd64' } } }],
    leases: [],
    namespaces: [],
    pods: [],
    deployments: [],
    replicaSets: [],
    statefulSets: [],
    daemonSets: [],
    jobs: [],
    volumeClaims: [],
    storageClasses: [],
    services: [],
    endpointSlices: [],
    applications: [application()],
    ...more,
  }
}

export const world = (more: Partial<World> = {}): World => ({ subject, ...more })

export const cluster = (
  more: Partial<Inventory> = {},
  {
    events = [],
    selected = true,
    before1 = false,
  }: { events?: ReturnType<typeof event>[]; selected?: boolean; before1?: boolean } = {},
): Pick<World, 'cluster'> => ({
  cluster: {
    inventory: inventory(more),
    events,
    // An Image Updater before 1.0 has no such kind.
    ...(!before1 && {
      imageUpdaters: selected
        ? [
            {
              metadata: { name: 'threads', namespace: 'argocd', uid: 'cr' },
              spec: { applicationRefs: [{ namePattern: 'thr*', useAnnotations: true }] },
            },
          ]
        : [],
    }),
  },
})
