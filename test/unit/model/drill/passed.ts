import type { DrillFacts } from '../../../../lib/model/drill/facts.ts'
import { conclude } from '../../../../lib/model/drill/verdict.ts'
import { layerRebuild } from '../../../../lib/phases/drill/scenarios/layer-rebuild.ts'
import type { Journal, PhaseRecord } from '../../../../lib/runtime/journal.ts'
import type { Json } from '../../../../lib/runtime/json.ts'

const layers = ['00-vpc', '01-k8s', '02-argocd-app']
const snapshotsAfter = ['01-k8s']
export const rebuild = layerRebuild(layers, snapshotsAfter)

const START = Date.parse('2025-11-01T14:00:00Z')

/** Seconds after the drill's start as ISO 8601. */
export const after = (seconds: number): string => new Date(START + seconds * 1000).toISOString()

export const proof = { generation: '7', md5: 'x9==', serial: 12, lineage: 'ab-cd', resources: 27, resourceSet: 'f00d' }

const pod = (namespace: string, name: string) => ({
  namespace,
  name,
  owner: 'ReplicaSet/x',
  ready: true,
  restarts: 0,
  createdAt: after(90),
})

const healthy = (seconds: number) => ({
  verdict: 'healthy' as const,
  at: after(seconds),
  findings: [],
  pods: [pod('threads', 'nextjs-1'), pod('threads', 'postgres-1')],
  applications: { 'argocd/threads': 'Synced Healthy' },
})

/** One step every ten seconds, each taking eight: 02 is destroyed from 50 on, everything is healthy at 128. */
const SECONDS = { each: 10, takes: 8 }

export const startOf = (id: string): number => rebuild.steps.findIndex(step => step.id === id) * SECONDS.each

/** What a drill that passes has in its facts. */
export const passedFacts = (): Omit<DrillFacts, 'aborted' | 'conclusion'> => ({
  drill: {
    scenario: 'layer-rebuild',
    layers,
    snapshotsAfter,
    targets: { vm: 'threads-prod-vm', project: 'p', zone: 'z' },
  },
  runs: ['20251101-120000-prod-up-4'],
  attempts: [{ startedAt: after(0), endedAt: after(170), exitCode: 0, operator: 'ann@desk' }],
  begun: Object.fromEntries(rebuild.steps.map(({ id }) => [id, after(startOf(id))])),
  steadyState: { ...healthy(5), newestSnapshot: { name: 'threads-prod-vm-01-k8s-20251101-130000', createdAt: after(-3600) } },
  markers: [
    {
      name: 'disk',
      place: { kind: 'file', path: '/var/lib/x' },
      value: 'aa',
      writtenAt: after(12),
      expected: 'kept',
      because: 'it is',
    },
    {
      name: 'volume threads/postgres',
      place: { kind: 'volume', claim: 'threads/postgres', file: '.x' },
      value: 'bb',
      writtenAt: after(13),
      expected: 'kept',
      because: 'Delete=false',
    },
  ],
  dumps: [
    { claim: 'threads/postgres', path: '/var/backups/x.tar', bytes: 10, sha256: '00', takenAt: after(20), holdsMarker: true },
  ],
  proof,
  comparisons: Object.fromEntries(
    [
      ['00-vpc/untouched', 'after the destruction'],
      ['00-vpc/untouched-at-end', 'at the end'],
    ].map(([id = '', moment = '']) => [
      id,
      { layer: '00-vpc', moment, at: after(startOf(id)), proof, plan: { empty: true, changes: [] } },
    ]),
  ),
  loss: {
    ...healthy(startOf('loss-seen')),
    verdict: 'unhealthy',
    findings: [{ rule: 'expected/namespace', severity: 'error', object: 'Namespace/argocd', message: 'does not exist' }],
  },
  health: healthy(startOf('health') + 8),
  snapshots: {
    '01-k8s': {
      name: 'threads-prod-vm-01-k8s-20251101-140140',
      status: 'READY',
      description: 'Snapshot after 01-k8s layer applied (ArgoCD, External Secrets, Local Path Provisioner)',
      labels: { 'managed-by': 'threads-ops', environment: 'prod', layer: '01-k8s', 'state-serial': '5' },
      createdAt: after(startOf('01-k8s/snapshot')),
      sourceDisk: 'threads-prod-vm',
      serial: 5,
    },
  },
  found: { disk: { state: 'present', value: 'aa' }, 'volume threads/postgres': { state: 'present', value: 'bb' } },
  leftovers: [],
})

export const passedRecords = (): PhaseRecord[] =>
  rebuild.steps.map(({ id, title }) => ({ id, title, status: 'done', startedAt: after(startOf(id)), ms: SECONDS.takes * 1000 }))

/** What a drill is concluded to be on these facts. */
export const concluded = (facts: Partial<DrillFacts>, records: PhaseRecord[] = passedRecords()) =>
  conclude(rebuild, { facts, records, wanted: { environment: 'prod', vm: 'threads-prod-vm' } })

export const journalOf = (facts: Partial<DrillFacts>, phases: PhaseRecord[] = passedRecords()): Journal => ({
  schema: 'threads-ops/journal/1',
  id: '20251101-140000-prod-dr-drill-7',
  verb: 'dr-drill',
  env: 'prod',
  operator: 'ann@desk',
  gitSha: '0123456789abcdef0123456789abcdef01234567',
  startedAt: after(0),
  endedAt: after(170),
  exitCode: 0,
  args: {},
  facts: facts as unknown as Record<string, Json>,
  phases,
})
