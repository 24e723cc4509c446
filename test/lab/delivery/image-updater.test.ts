import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { matchesPattern, settingsOf } from '../../../lab/delivery/image-updater/annotations.ts'
import { candidates, liveTag, newestBuild, type Tag, withImage } from '../../../lab/delivery/image-updater/decide.ts'
import { intervalMs } from '../../../lab/delivery/image-updater/interval.ts'
import { Registry } from '../../../lab/delivery/image-updater/registry.ts'
import { afterPass, beforePass, FINALIZER, type Outcome, type Status } from '../../../lab/delivery/image-updater/status.ts'
import {
  EVERY_APPLICATION,
  finalize,
  type ImageUpdater,
  knowsUpdaters,
  type Surroundings,
  updateApplications,
} from '../../../lab/delivery/image-updater/update.ts'

const PREFIX = 'argocd-image-updater.argoproj.io'
const image = 'us-east1-docker.pkg.dev/p/threads/ml-service'
const sha = (letter: string) => letter.repeat(40)
const annotated = (more: Record<string, string> = {}) => {
  const settings = settingsOf({
    [`${PREFIX}/image-list`]: `nextjs=${image.replace('ml-service', 'nextjs')}, ml-service=${image}`,
    [`${PREFIX}/ml-service.update-strategy`]: 'newest-build',
    [`${PREFIX}/ml-service.allow-tags`]: 'regexp:^[0-9a-f]{40}$',
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [`${PREFIX}/${name}`, value])),
  })
  const found = settings?.images[1]
  if (!found) throw new Error('no settings')
  return found
}

const settings = suite('settingsOf')
settings('an Application without a list is not the updater’s', () => assert.is(settingsOf({}), undefined))
settings('alias, image, strategy', () => {
  const { alias, image: name, strategy } = annotated()
  assert.equal([alias, name, strategy], ['ml-service', image, 'newest-build'])
})
settings("an image's own setting goes before the Application's", () =>
  assert.equal(annotated({ platforms: 'linux/arm64', 'ml-service.platforms': 'linux/amd64' }).platforms, ['linux/amd64']),
)
settings("the Application's goes for all", () =>
  assert.equal(annotated({ platforms: 'linux/arm64,linux/amd64' }).platforms, ['linux/arm64', 'linux/amd64']),
)
for (const [item, expected] of [
  [`ml-service=${image}:latest`, ['ml-service', image]],
  [`${image}:>=1.0`, ['', image]],
  ['app=localhost:5000/app:~1.2', ['app', 'localhost:5000/app']],
  ['localhost:5000/app', ['', 'localhost:5000/app']],
] as const) {
  settings(`a constraint is no part of the name: ${item}`, () => {
    const [found] = settingsOf({ [`${PREFIX}/image-list`]: item })?.images ?? []
    assert.equal([found?.alias, found?.image], [...expected])
  })
}
settings.run()

const filters = suite('candidates')
for (const [why, more, expected] of [
  ['latest is no commit id', {}, [sha('a'), sha('b')]],
  ['any tag', { 'ml-service.allow-tags': 'any' }, ['latest', sha('a'), sha('b')]],
  ['an ignored tag', { 'ml-service.ignore-tags': sha('a') }, [sha('b')]],
  ['an ignored pattern', { 'ml-service.ignore-tags': 'x, bbb*' }, [sha('a')]],
  ['a filter that is no pattern lets none pass', { 'ml-service.allow-tags': 'regexp:(' }, []],
  ['a filter of an unknown kind neither', { 'ml-service.allow-tags': 'glob:*' }, []],
] as const) {
  filters(why, () => assert.equal(candidates(['latest', sha('a'), sha('b')], annotated(more)), expected))
}
filters.run()

const patterns = suite('matchesPattern')
for (const [pattern, text, expected] of [
  ['threads', 'threads', true],
  ['threads', 'threads-2', false],
  ['thr*', 'threads', true],
  ['thread?', 'threads', true],
  ['*', 'a/b', false],
  ['v1.0', 'v1x0', false],
] as const) {
  patterns(`${pattern} ${text}`, () => assert.is(matchesPattern(pattern, text), expected))
}
patterns.run()

const build = (name: string, platform: string, created: string): Tag => ({ name, builds: [{ platform, created }] })
const choice = suite('newestBuild')
for (const [why, tags, expected] of [
  ['no tag', [], undefined],
  [
    'the newest by its build, not by its name',
    [build(sha('b'), 'linux/amd64', '2025-01-01T00:00:00Z'), build(sha('a'), 'linux/amd64', '2025-01-02T00:00:00Z')],
    sha('a'),
  ],
  [
    'equally old ones: the lexically last',
    [build(sha('a'), 'linux/amd64', '2025-01-01T00:00:00Z'), build(sha('b'), 'linux/amd64', '2025-01-01T00:00:00Z')],
    sha('b'),
  ],
  [
    'one for arm64 alone is passed over, however new',
    [build(sha('a'), 'linux/amd64', '2025-01-01T00:00:00Z'), build(sha('b'), 'linux/arm64', '2025-01-02T00:00:00Z')],
    sha('a'),
  ],
  [
    'of an index the youngest build for a wanted platform counts',
    [
      {
        name: sha('a'),
        builds: [
          { platform: 'linux/amd64', created: '2025-01-01T00:00:00Z' },
          { platform: 'linux/arm64', created: '2025-01-09T00:00:00Z' },
        ],
      },
      build(sha('b'), 'linux/amd64', '2025-01-02T00:00:00Z'),
    ],
    sha('b'),
  ],
  ['a variant of the wanted platform', [build(sha('a'), 'linux/amd64/v2', '2025-01-01T00:00:00Z')], sha('a')],
] as [string, Tag[], string | undefined][]) {
  choice(why, () =>
    assert.is(
      newestBuild(tags, ['linux/amd64'], () => undefined),
      expected,
    ),
  )
}
choice('what is passed over is said at level debug only', () => {
  const said: string[] = []
  newestBuild([build(sha('b'), 'linux/arm64', '2025-01-02T00:00:00Z')], ['linux/amd64'], (level, message) =>
    said.push(`${level} ${message}`),
  )
  assert.equal(said, [`debug ignoring ${sha('b')}. Manifest platform: linux/arm64, requested: linux/amd64`])
})
choice.run()

const live = suite('liveTag')
for (const [why, images, expected] of [
  ['nothing runs yet', undefined, undefined],
  ['another image alone', ['postgres:16'], undefined],
  ['a tag', [`${image}:latest`], 'latest'],
  ['during a rollout the first', [`${image}:${sha('a')}`, `${image}:${sha('b')}`], sha('a')],
  ['a registry with a port', ['localhost:5000/x', `${image}:v1`], 'v1'],
] as [string, string[] | undefined, string | undefined][]) {
  live(why, () => assert.is(liveTag(images, image), expected))
}
live.run()

const writing = suite('withImage')
const kustomized = { image, kustomizeName: image }
for (const [why, images, expected] of [
  ['the first image', [], [`${image}=${image}:new`]],
  ['another tag of it', [`${image}=${image}:old`], [`${image}=${image}:new`]],
  ['one written by hand, without a new name', [`${image}:old`], [`${image}=${image}:new`]],
  ['others stay', ['postgres=x/postgres:1'], ['postgres=x/postgres:1', `${image}=${image}:new`]],
] as const) {
  writing(why, () => assert.equal(withImage(images, kustomized, 'new'), expected))
}
writing('without a name in the kustomization', () =>
  assert.equal(withImage([`${image}:old`], { image, kustomizeName: undefined }, 'new'), [`${image}:new`]),
)
writing.run()

const intervals = suite('intervalMs')
for (const [text, expected] of [
  ['2m', 120_000],
  ['1m30s', 90_000],
  ['10s', 10_000],
  ['500', 500],
  ['0', 0],
] as const) {
  intervals(text, () => assert.is(intervalMs(text), expected))
}
intervals('no duration', () => assert.throws(() => intervalMs('soon'), /invalid duration/))
intervals.run()

/** A registry that has the documents and answers 404 to everything else. */
const registryOf = async (documents: Record<string, object>): Promise<{ url: string; asked: string[]; server: Server }> => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const found = documents[(request.url ?? '').replace('/v2/p/threads/ml-service/', '')]
    response.writeHead(found ? 200 : 404).end(JSON.stringify(found ?? { errors: [{ code: 'MANIFEST_UNKNOWN' }] }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server }
}
const config = (created: string, architecture = 'amd64') => ({ os: 'linux', architecture, created })
const child = (digest: string, architecture: string, os = 'linux') => ({ digest, platform: { os, architecture } })

/** Two whole tags, `a` older than `b`, and the newest, `c`, with whatever is wrong with it. */
const tagged = (newest: Record<string, object>) => ({
  'tags/list': { tags: [sha('c'), sha('a'), sha('b')] },
  [`manifests/${sha('a')}`]: { config: { digest: 'ca' } },
  'blobs/ca': config('2025-01-01T00:00:00Z'),
  [`manifests/${sha('b')}`]: { config: { digest: 'cb' } },
  'blobs/cb': config('2025-01-02T00:00:00Z'),
  ...newest,
})

const SELECTING: ImageUpdater = {
  metadata: { name: 'threads', namespace: 'argocd', uid: 'u', generation: 3 },
  spec: { applicationRefs: [{ namePattern: 'thr*', useAnnotations: true }] },
}
const APPLICATION = {
  metadata: {
    name: 'threads',
    uid: 'a',
    annotations: {
      [`${PREFIX}/image-list`]: `ml-service=${image}`,
      [`${PREFIX}/ml-service.update-strategy`]: 'newest-build',
      [`${PREFIX}/ml-service.allow-tags`]: 'regexp:^[0-9a-f]{40}$',
    },
  },
  spec: { source: {} },
  status: { sourceType: 'Kustomize', summary: { images: [`${image}:${sha('a')}`] } },
}

/** One pass over one Application, with what it said and wrote. */
const pass = async (
  documents: Record<string, object>,
  applications: object[] = [APPLICATION],
  updater: Pick<ImageUpdater, 'spec'> = SELECTING,
) => {
  const { url, asked, server } = await registryOf(documents)
  const said: string[] = []
  const written: [string, unknown][] = []
  const surroundings = {
    api: {
      get: async () => ({ items: applications }),
      patch: async (path: string, body: unknown) => written.push([path, body]),
      create: async () => undefined,
    } as unknown as Surroundings['api'],
    registry: new Registry(url),
    ...{ namespace: 'argocd', ownPlatform: 'linux/amd64', events: true },
    say: (level: string, message: string) => void said.push(`${level} ${message}`),
  }
  const outcome = await updateApplications(updater, surroundings)
  const again = await updateApplications(updater, surroundings)
  server.close()
  server.closeAllConnections()
  return { outcome, again, said, written, asked }
}

const skipping = suite('a tag that cannot be read')
for (const [why, newest, message] of [
  ['without a manifest', {}, /^error Error fetching metadata for p\/threads\/ml-service:c{40} - neither V1 or V2 or OCI/],
  [
    "without its configuration's blob",
    { [`manifests/${sha('c')}`]: { config: { digest: 'cc' } } },
    /^error error fetching metadata for p\/threads\/ml-service:c{40}: .*blobs\/cc: 404/,
  ],
  [
    'whose configuration has no date',
    { [`manifests/${sha('c')}`]: { config: { digest: 'cc' } }, 'blobs/cc': { os: 'linux', architecture: 'amd64' } },
    /^error error fetching metadata for p\/threads\/ml-service:c{40}: .*created/,
  ],
  [
    'an index without the manifest for the wanted platform',
    { [`manifests/${sha('c')}`]: { manifests: [child('mc', 'amd64')] } },
    /^error error fetching metadata for p\/threads\/ml-service:c{40}: could not fetch manifest mc: /,
  ],
  [
    'an empty index',
    { [`manifests/${sha('c')}`]: { manifests: [] } },
    /^error error fetching metadata for p\/threads\/ml-service:c{40}: empty index not supported/,
  ],
] as [string, Record<string, object>, RegExp][]) {
  skipping(`${why} is skipped, and the next one taken`, async () => {
    const { outcome, said, written } = await pass(tagged(newest))
    assert.equal(written[0]?.[1], { spec: { source: { kustomize: { images: [`${image}:${sha('b')}`] } } } })
    assert.ok(
      said.some(line => message.test(line)),
      said.join('\n'),
    )
    // The real one counts errors by image, and this image has its tag.
    assert.is(outcome.errors, 0)
    assert.equal(outcome.changes, [{ alias: 'ml-service', image, from: sha('a'), to: sha('b') }])
  })
}
skipping('what is missing for another platform is not asked for', async () => {
  const { written, asked } = await pass(
    tagged({
      [`manifests/${sha('c')}`]: { manifests: [child('mx', 'arm64'), child('mc', 'amd64'), child('mt', 'unknown', 'unknown')] },
      'manifests/mc': { config: { digest: 'cc' } },
      'blobs/cc': config('2025-01-03T00:00:00Z'),
    }),
  )
  assert.equal(written[0]?.[1], { spec: { source: { kustomize: { images: [`${image}:${sha('c')}`] } } } })
  assert.not(asked.some(path => /m[xt]$/.test(path)))
})
skipping('an index for other platforms is passed over without an error', async () => {
  const { outcome, said, written } = await pass(tagged({ [`manifests/${sha('c')}`]: { manifests: [child('mx', 'arm64')] } }))
  assert.equal(written[0]?.[1], { spec: { source: { kustomize: { images: [`${image}:${sha('b')}`] } } } })
  assert.is(outcome.errors, 0)
  assert.ok(said.some(line => line.startsWith(`debug ignoring ${sha('c')}. Manifest platform: linux/arm64`)))
})
skipping('what was read is read once, what failed is tried again', async () => {
  const { asked } = await pass(tagged({ [`manifests/${sha('c')}`]: { config: { digest: 'cc' } } }))
  const times = (path: string) => asked.filter(other => other.endsWith(path)).length
  assert.equal([times('blobs/cb'), times('blobs/cc')], [1, 2])
})
skipping('no list of tags is an error of the image', async () => {
  const { outcome, said, written } = await pass({})
  assert.is(outcome.errors, 1)
  assert.equal(written, [])
  assert.ok(said.some(line => line.startsWith('error Could not get tags from registry:')))
})
skipping.run()

const before1 = suite('an updater before 1.0')
before1('takes every Application with annotations, whatever it is called', async () => {
  const other = { ...APPLICATION, metadata: { ...APPLICATION.metadata, name: 'other' } }
  const { outcome, written } = await pass(tagged({}), [APPLICATION, other], EVERY_APPLICATION)
  assert.is(outcome.matched, 2)
  assert.is(written.filter(([path]) => path.endsWith('/other')).length, 2)
})
before1('without a filter, of two tags of one build latest is taken, and nothing moves', async () => {
  const annotations = {
    [`${PREFIX}/image-list`]: `ml-service=${image}:latest`,
    [`${PREFIX}/ml-service.update-strategy`]: 'newest-build',
  }
  const application = {
    ...APPLICATION,
    metadata: { ...APPLICATION.metadata, annotations },
    status: { sourceType: 'Kustomize', summary: { images: [`${image}:latest`] } },
  }
  const documents = { ...tagged({}), 'tags/list': { tags: [sha('a'), sha('b'), 'latest'] } }
  const latest = { 'manifests/latest': { config: { digest: 'cb' } } }
  const { outcome, written } = await pass({ ...documents, ...latest }, [application], EVERY_APPLICATION)
  assert.equal([outcome.considered, outcome.errors, written], [1, 0, []])
})
for (const [why, found, expected] of [
  ['one of 1.0 by the kind that it brings', { name: PREFIX }, true],
  ['one before it by the lack of that', undefined, false],
] as const) {
  before1(`is told from ${why}`, async () => {
    assert.is(await knowsUpdaters({ api: { find: async () => found } as unknown as Surroundings['api'] }), expected)
  })
}
before1.run()

const counting = suite('what a pass counts')
for (const [why, applications, expected] of [
  ['an Application with one image', [APPLICATION], [1, 1]],
  ['one that is not selected', [{ ...APPLICATION, metadata: { ...APPLICATION.metadata, name: 'other' } }], [0, 0]],
  ['one without a list of images', [{ ...APPLICATION, metadata: { ...APPLICATION.metadata, annotations: {} } }], [0, 0]],
  [
    'one that does not run the image',
    [{ ...APPLICATION, status: { sourceType: 'Kustomize', summary: { images: [] } } }],
    [1, 0],
  ],
  ['one of an unsupported type', [{ ...APPLICATION, status: { sourceType: 'Directory' } }], [0, 0]],
] as [string, object[], [number, number]][]) {
  counting(why, async () => {
    const { outcome } = await pass(tagged({}), applications)
    assert.equal([outcome.matched, outcome.considered], expected)
  })
}
counting.run()

const NOW = new Date('2025-12-01T10:00:00.500Z')
const LATER = new Date('2025-12-01T10:02:00Z')
const outcome = (change: Partial<Outcome> = {}): Outcome => ({
  ...{ matched: 1, considered: 2, errors: 0, changes: [] },
  ...change,
})
const condition = (status: Status, type: string) => status.conditions?.find(found => found.type === type)
const change = { alias: 'ml-service', image, from: 'v1', to: 'v2' }

const status = suite('status')
status('a pass begins with Reconciling', () => {
  assert.equal(beforePass({}, 3, NOW), {
    conditions: [
      {
        type: 'Reconciling',
        status: 'True',
        reason: 'Reconciling',
        message: 'Image update check in progress.',
        observedGeneration: 3,
        lastTransitionTime: '2025-12-01T10:00:00Z',
      },
    ],
  })
})
for (const [why, result, failure, expected] of [
  [
    'without errors',
    outcome(),
    undefined,
    [
      'False Idle Last check completed. Awaiting next cycle.',
      'False NoErrors No errors during last reconciliation.',
      'True ReconcileSucceeded Reconciled 1 applications, 0 images updated.',
    ],
  ],
  [
    'with errors of an image',
    outcome({ errors: 1, changes: [change] }),
    undefined,
    [
      'False Idle Last check completed. Awaiting next cycle.',
      'True PartialErrors 1 error(s) occurred during image update checks.',
      'True ReconcileCompletedWithErrors Reconciled 1 applications with 1 errors, 1 images updated.',
    ],
  ],
  [
    'that failed',
    outcome({ matched: 0 }),
    'forbidden',
    [
      'False Idle Last check completed. Awaiting next cycle.',
      'True ReconcileError forbidden',
      'False ReconcileFailed Reconciliation failed: forbidden',
    ],
  ],
] as [string, Outcome, string | undefined, string[]][]) {
  status(`a pass ${why}`, () => {
    const after = afterPass(beforePass({}, 3, NOW), result, { generation: 3, now: LATER, failure })
    const found = ['Reconciling', 'Error', 'Ready'].map(type => condition(after, type))
    assert.equal(
      found.map(one => `${one?.status} ${one?.reason} ${one?.message}`),
      expected,
    )
    assert.equal([after.observedGeneration, after.lastCheckedAt], [3, '2025-12-01T10:02:00Z'])
    assert.equal([after.applicationsMatched, after.imagesManaged], [result.matched, result.considered])
  })
}
status('a condition keeps its time until its status changes', () => {
  const first = afterPass({}, outcome(), { generation: 3, now: NOW })
  const second = afterPass(first, outcome({ errors: 1 }), { generation: 4, now: LATER })
  assert.equal(
    [condition(second, 'Ready')?.lastTransitionTime, condition(second, 'Ready')?.observedGeneration],
    ['2025-12-01T10:00:00Z', 4],
  )
  assert.is(condition(second, 'Error')?.lastTransitionTime, '2025-12-01T10:02:00Z')
})
status('updates are kept until there are others, and counted by alias and version', () => {
  const changes = [change, { ...change, from: 'v0' }, { ...change, alias: '', image: 'reg.io/x/other', to: 'v9' }]
  const first = afterPass({}, outcome({ changes }), { generation: 3, now: NOW })
  const second = afterPass(first, outcome(), { generation: 3, now: LATER })
  const at = '2025-12-01T10:00:00Z'
  assert.is(second.lastUpdatedAt, at)
  assert.equal(second.recentUpdates, [
    { alias: 'ml-service', image, newVersion: 'v2', applicationsUpdated: 2, updatedAt: at, message: 'Updated from v1 to v2.' },
    {
      ...{ alias: 'x/other', image: 'reg.io/x/other', newVersion: 'v9', applicationsUpdated: 1 },
      ...{ updatedAt: at, message: 'Updated from v1 to v9.' },
    },
  ])
})
status.run()

const finalizing = suite('finalizer')
for (const [why, metadata, expected] of [
  ['it is added', {}, [FINALIZER]],
  ["beside another's", { finalizers: ['x/y'] }, ['x/y', FINALIZER]],
  ['not twice', { finalizers: [FINALIZER] }, undefined],
  ['it is removed on deletion', { deletionTimestamp: 'now', finalizers: ['x/y', FINALIZER] }, ['x/y']],
  ['without it there is nothing to remove', { deletionTimestamp: 'now', finalizers: ['x/y'] }, undefined],
] as [string, Partial<ImageUpdater['metadata']>, string[] | undefined][]) {
  finalizing(why, async () => {
    const written: unknown[] = []
    const api = { patch: async (...call: unknown[]) => written.push(call) } as unknown as Surroundings['api']
    await finalize(api, { ...SELECTING, metadata: { ...SELECTING.metadata, resourceVersion: '7', ...metadata } })
    const path = '/apis/argocd-image-updater.argoproj.io/v1alpha1/namespaces/argocd/imageupdaters/threads'
    assert.equal(written, expected ? [[path, { metadata: { resourceVersion: '7', finalizers: expected } }]] : [])
  })
}
finalizing.run()
