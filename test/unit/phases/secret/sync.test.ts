import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Kind } from '../../../../lib/cluster/kinds.ts'
import { loadEnvironment } from '../../../../lib/config/load.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { readersRestarted } from '../../../../lib/phases/secret/restarted.ts'
import { Sync } from '../../../../lib/phases/secret/sync.ts'
import { secretsSynced } from '../../../../lib/phases/secret/synced.ts'
import type { OpsError } from '../../../../lib/runtime/errors.ts'
import { ago, HOUR, LABELS, NOW, pod } from '../../support/kubernetes.ts'

type Stored = Record<string, unknown> & { metadata: Record<string, unknown> & { name: string; namespace: string } }

const environment = await loadEnvironment('lab')
const external = (name: string, more: object = {}): Stored => ({
  metadata: { name, namespace: 'threads' },
  spec: { target: { name } },
  status: { refreshTime: '2025-11-01T11:00:00Z', conditions: [{ type: 'Ready', status: 'True' }] },
  ...more,
})
const secret = (name: string, value: string, changedAt?: string): Stored => ({
  metadata: {
    name,
    namespace: 'threads',
    ...(changedAt && { managedFields: [{ time: changedAt, fieldsV1: { 'f:data': {} } }] }),
  },
  data: { password: value },
})
const workload = (name: string, secretName: string, more: object = {}): Stored => ({
  metadata: { name, namespace: 'threads', generation: 1 },
  spec: {
    replicas: 1,
    selector: { matchLabels: LABELS },
    template: { spec: { containers: [{ envFrom: [{ secretRef: { name: secretName } }] }] } },
    ...more,
  },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
})

/** A cluster with these objects, by plural, whose operator does `sync` when an ExternalSecret is annotated. */
function world(
  objects: Record<string, Stored[]>,
  {
    versions = ['v1', 'v1beta1'],
    sync = (one: Stored) => refreshed(one),
  }: { versions?: string[]; sync?: (one: Stored) => void } = {},
) {
  const seen = {
    patches: [] as { base: string; name: string; patch: unknown }[],
    warnings: [] as string[],
    facts: {} as Record<string, unknown>,
  }
  const find = ({ plural }: Kind, { namespace, name }: { namespace?: string; name: string }) =>
    objects[plural]?.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
  const cluster = {
    versions: async () => versions,
    list: async ({ plural }: Kind) => structuredClone(objects[plural] ?? []),
    get: async (kind: Kind, where: { namespace?: string; name: string }) => structuredClone(find(kind, where)),
    patch: async (kind: Kind, where: { namespace?: string; name: string }, patch: object) => {
      seen.patches.push({ base: kind.base, name: where.name, patch })
      const object = find(kind, where)
      if (object && kind.plural === 'externalsecrets') sync(object)
    },
  }
  const context = {
    environment: { ...environment, verify: { ...environment.verify, deadline: 300 } },
    now: () => NOW,
    signal: new AbortController().signal,
    log: { warn: (text: string) => seen.warnings.push(text) },
    progress: () => undefined,
    journal: { fact: async (name: string, value: unknown) => Object.assign(seen.facts, { [name]: value }) },
    cluster: async () => cluster,
  } as unknown as Context
  return { context, seen, objects }
}
const refreshed = (one: Stored) =>
  Object.assign(one, { status: { ...(one.status as object), refreshTime: '2025-11-01T12:00:00Z' } })
const FAST = { within: 300, every: 5, again: 1000 }
const failure = (promise: Promise<unknown>): Promise<OpsError> =>
  promise.then(
    () => assert.unreachable() as never,
    error => error,
  )

const syncs = suite('secretsSynced')
syncs('says what it would sync, and what reads it, and changes nothing', async () => {
  const { context, seen } = world({
    externalsecrets: [external('nextauth'), external('unread')],
    deployments: [workload('nextjs', 'nextauth')],
  })
  assert.equal(await secretsSynced(new Sync([]), FAST).check(context), {
    state: 'todo',
    changes: [
      'sync threads/nextauth into Secret threads/nextauth, which threads/Deployment/nextjs reads',
      'sync threads/unread into Secret threads/unread, which nothing reads',
    ],
  })
  assert.equal(seen.patches, [])
})
for (const [versions, base] of [
  [['v1', 'v1beta1'], '/apis/external-secrets.io/v1'],
  [['v1beta1'], '/apis/external-secrets.io/v1beta1'],
] as const) {
  syncs(`annotates by ${versions.join(' or ')}, waits until it is refreshed, and sees what has changed`, async () => {
    const rotated = world(
      {
        externalsecrets: [external('nextauth'), external('postgres')],
        secrets: [secret('nextauth', 'old'), secret('postgres', 'same')],
      },
      {
        versions: [...versions],
        sync: one => {
          refreshed(one)
          if (one.metadata.name === 'nextauth') Object.assign(rotated.objects.secrets?.[0] ?? {}, { data: { password: 'new' } })
        },
      },
    )
    const sync = new Sync([])
    const evidence = await secretsSynced(sync, FAST).run(rotated.context)
    assert.equal(evidence, { synced: ['threads/nextauth', 'threads/postgres'], changed: ['threads/nextauth'] })
    assert.equal([...(sync.changed ?? [])], ['threads/nextauth'])
    assert.equal(rotated.seen.patches, [
      { base, name: 'nextauth', patch: { metadata: { annotations: { 'force-sync': String(NOW.getTime()) } } } },
      { base, name: 'postgres', patch: { metadata: { annotations: { 'force-sync': String(NOW.getTime()) } } } },
    ])
    assert.equal(rotated.seen.facts, { changedSecrets: ['threads/nextauth'] })
    assert.not.match(JSON.stringify(rotated.seen), /old|new/)
  })
}
syncs('only the named', async () => {
  const { context, seen } = world({ externalsecrets: [external('nextauth'), external('postgres')] })
  await secretsSynced(new Sync(['threads/postgres']), FAST).run(context)
  assert.equal(
    seen.patches.map(({ name }) => name),
    ['postgres'],
  )
})
syncs('one whose time does not move is asked again', async () => {
  let asked = 0
  const { context } = world(
    { externalsecrets: [external('nextauth')] },
    {
      sync: one => {
        if (++asked === 2) refreshed(one)
      },
    },
  )
  await secretsSynced(new Sync([]), { ...FAST, within: 3000, again: 20 }).run(context)
  assert.is(asked, 2)
})
syncs('one that fails: 124, with what its operator says; what was changed is on record', async () => {
  const broken = world(
    { externalsecrets: [external('nextauth'), external('postgres')], secrets: [secret('postgres', 'old')] },
    {
      sync: one => {
        if (one.metadata.name === 'postgres') {
          refreshed(one)
          Object.assign(broken.objects.secrets?.[0] ?? {}, { data: { password: 'new' } })
        } else Object.assign(one, { status: { conditions: [{ type: 'Ready', status: 'False', message: 'no such key' }] } })
      },
    },
  )
  const { code, message } = await failure(secretsSynced(new Sync([]), FAST).run(broken.context))
  assert.is(code, 124)
  assert.match(message, 'threads/nextauth to be synced; last error: not ready: no such key')
  assert.equal(broken.seen.facts, { changedSecrets: ['threads/postgres'] })
})
syncs('one that is made once is left alone, and said', async () => {
  const { context, seen } = world({ externalsecrets: [external('once', { spec: { refreshPolicy: 'CreatedOnce' } })] })
  assert.is((await secretsSynced(new Sync([]), FAST).check(context)).state, 'done')
  assert.match(seen.warnings[0] ?? '', 'threads/once is made once')
})
for (const [why, names, versions, code, said] of [
  ['an unknown name', ['postgre'], ['v1'], 2, 'there is no ExternalSecret "postgre" (did you mean "postgres"?)'],
  ['a cluster without the operator', [], [], 4, 'the cluster does not know external-secrets.io'],
  ['a version that is not understood', [], ['v1alpha1'], 4, 'serves only v1alpha1 of external-secrets.io'],
] as const) {
  syncs(`${why}: ${code}`, async () => {
    const { context } = world({ externalsecrets: [external('postgres')] }, { versions: [...versions] })
    const error = await failure(secretsSynced(new Sync(names), FAST).check(context))
    assert.is(error.code, code)
    assert.match(error.message, said)
  })
}
syncs.run()

const restarts = suite('readersRestarted')
const synced = (...changed: string[]): Sync => Object.assign(new Sync([]), { changed: new Set(changed) })
const THREE = {
  externalsecrets: [external('nextauth'), external('postgres')],
  deployments: [workload('nextjs', 'nextauth'), workload('other', 'another')],
  statefulsets: [workload('db', 'postgres')],
}
restarts('only what reads a Secret that has changed', async () => {
  const { context, seen } = world(structuredClone(THREE))
  const phase = readersRestarted(synced('threads/nextauth'), { every: 5 })
  assert.equal(await phase.check(context), {
    state: 'todo',
    changes: ['restart threads/Deployment/nextjs: Secret threads/nextauth has changed'],
  })
  assert.equal(await phase.run(context), { restarted: ['threads/Deployment/nextjs'] })
  assert.equal(seen.patches, [
    {
      base: '/apis/apps/v1',
      name: 'nextjs',
      patch: { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': NOW.toISOString() } } } } },
    },
  ])
})
restarts('nothing where nothing has changed', async () => {
  const { context } = world(structuredClone(THREE))
  assert.is((await readersRestarted(synced()).check(context)).state, 'done')
})
restarts('also what an interrupted run has left: pods that are older than the Secret', async () => {
  const { context } = world({
    ...structuredClone(THREE),
    secrets: [secret('nextauth', 'new', ago(0))],
    pods: [pod() as unknown as Stored],
  })
  const found = await readersRestarted(new Sync([])).check(context)
  assert.equal(found, {
    state: 'todo',
    changes: ['restart threads/Deployment/nextjs: Secret threads/nextauth is newer than its pods'],
  })
  const done = world({
    ...structuredClone(THREE),
    secrets: [secret('nextauth', 'new', ago(2 * HOUR))],
    pods: [pod() as unknown as Stored],
  })
  assert.is((await readersRestarted(new Sync([])).check(done.context)).state, 'done')
})
restarts('what can’t be restarted is said', async () => {
  const { context, seen } = world({
    externalsecrets: [external('a')],
    deployments: [workload('nextjs', 'a', { paused: true })],
  })
  assert.is((await readersRestarted(synced('threads/a')).check(context)).state, 'done')
  assert.equal(seen.warnings, ['threads/Deployment/nextjs is not restarted, though Secret threads/a has changed: it is paused'])
})
restarts('new pods that do not come: 124, or 6 once its own deadline has passed, and the way back', async () => {
  const waiting = workload('nextjs', 'a')
  Object.assign(waiting, { status: { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 1 } })
  const slow = world({ externalsecrets: [external('a')], deployments: [waiting] })
  const late = await failure(readersRestarted(synced('threads/a'), { every: 5 }).run(slow.context))
  assert.is(late.code, 124)
  assert.match(late.hint, 'rollout undo deployment nextjs')
  Object.assign(waiting.status as object, {
    conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'timed out' }],
  })
  const stuck = await failure(readersRestarted(synced('threads/a'), { every: 5 }).run(slow.context))
  assert.is(stuck.code, 6)
  assert.match(stuck.message, 'threads/Deployment/nextjs: timed out')
})
restarts.run()
