import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { broken, doubtful } from '../../../../lib/model/health/finding.ts'
import type { HopId } from '../../../../lib/model/image/hops.ts'
import { causes } from '../../../../lib/model/image/stall.ts'
import type { World } from '../../../../lib/model/image/world.ts'
import { application, cluster, IMAGE, image, job, now, OLD, PREFIX, pod, run, subject, updaterPod, world } from './fixture.ts'

const branch = broken('workflow/branch', 'deploy-gcp.yml:5', 'a push of master starts no run')
const doubt = doubtful('workflow/unknown', 'deploy-gcp.yml', "can't be told")
const annotated = (annotations: Record<string, string>) =>
  cluster({
    applications: [
      application({
        annotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`${PREFIX}/${name}`, value])),
      }),
    ],
    pods: [updaterPod()],
  })
/** As the owner's Application has them: a constraint on the version behind the image, and no filter. */
const OWNERS = { [`${PREFIX}/image-list`]: `ml-service=${IMAGE}:latest`, [`${PREFIX}/ml-service.allow-tags`]: 'any' }
const outOfSync = application({ tag: subject.sha })
if (outOfSync.status) outOfSync.status.operationState = { phase: 'Failed', message: 'admission webhook denied it' }

/** What stalled how, and the rules of what is then said, likeliest first. */
const cases: [hop: HopId, why: string, world: World, expected: string[]][] = [
  ['run-created', 'no run', world(), ['workflow/branch', 'delivery/no-run']],
  ['run-started', 'queued', world({ ci: { run: run('queued'), jobs: [] } }), ['delivery/run-queued']],
  ['run-completed', 'slow', world({ ci: { run: run('in_progress'), jobs: [job('in_progress')] } }), ['delivery/run-slow']],
  ['image', 'not pushed', world({ registry: { image: undefined } }), ['workflow/branch', 'image/missing']],
  ['updater', 'no reason to see', world(annotated({})), ['updater/silent']],
  ['updater', 'its pod is not ready', world(cluster({ pods: [updaterPod(false)] })), ['updater/not-running', 'updater/silent']],
  ['updater', 'it has no pod', world(cluster()), ['updater/not-running', 'updater/silent']],
  ['updater', 'the Application is gone', world(cluster({ applications: [] })), ['delivery/application']],
  [
    'updater',
    'not in the list',
    world(annotated({ 'image-list': 'nextjs=x/nextjs' })),
    ['updater/not-listed', 'updater/silent'],
  ],
  [
    'updater',
    'tags of another form',
    world(annotated({ 'ml-service.allow-tags': 'regexp:^v' })),
    ['updater/allow-tags', 'updater/silent'],
  ],
  ['updater', 'an ignored tag', world(annotated({ 'ml-service.ignore-tags': 'bbb*' })), ['updater/ignored', 'updater/silent']],
  [
    'updater',
    'wanted for another platform',
    world({ ...annotated({ 'ml-service.platforms': 'linux/arm64' }), registry: { image: image() } }),
    ['updater/platforms', 'updater/silent'],
  ],
  [
    'updater',
    'not live',
    world(cluster({ applications: [application({ live: [] })], pods: [updaterPod()] })),
    ['updater/not-live', 'updater/silent'],
  ],
  [
    'updater',
    'overtaken',
    world(cluster({ applications: [application({ tag: 'c'.repeat(40) })], pods: [updaterPod()] })),
    ['updater/overtaken', 'updater/silent'],
  ],
  [
    'updater',
    'not selected',
    world(cluster({ pods: [updaterPod()] }, { selected: false })),
    ['updater/not-selected', 'updater/silent'],
  ],
  [
    'updater',
    'before 1.0 nothing has to select it',
    world(cluster({ pods: [updaterPod()] }, { before1: true })),
    ['updater/silent'],
  ],
  [
    'updater',
    'before 1.0 its pod is not ready',
    world(cluster({ pods: [updaterPod(false)] }, { before1: true })),
    ['updater/not-running', 'updater/silent'],
  ],
  [
    'updater',
    'no filter: latest passes, too',
    world(
      cluster(
        {
          applications: [application({ tag: 'latest', live: [`${IMAGE}:latest`], annotations: OWNERS })],
          pods: [updaterPod()],
        },
        { before1: true },
      ),
    ),
    ['updater/mutable-tag', 'updater/silent'],
  ],
  [
    'updater',
    'latest is ignored',
    world(annotated({ 'ml-service.allow-tags': 'any', 'ml-service.ignore-tags': 'latest' })),
    ['updater/silent'],
  ],
  ['synced', 'no reason to see', world(cluster({ applications: [application({ tag: subject.sha })] })), ['delivery/unsynced']],
  ['synced', 'the sync fails', world(cluster({ applications: [outOfSync] })), ['application/operation']],
  ['pods-ready', 'no pod', world(cluster()), ['delivery/pods']],
  [
    'pods-ready',
    'an image that cannot be pulled',
    world(cluster({ pods: [pod('new', { ready: false, waiting: 'ImagePullBackOff: 403 Forbidden' })] })),
    ['pod/image'],
  ],
  ['old-pods-gone', 'it stays', world(cluster({ pods: [pod('old', { tag: OLD })] })), ['delivery/old-pod']],
]

const stalls = suite('causes')
for (const [hop, why, seen, expected] of cases) {
  stalls(`${hop}: ${why}`, () => {
    const found = causes(hop, seen, { now, workflow: [branch, doubt] })
    const rules = found.map(({ rule }) => rule)
    assert.equal(rules, expected)
    for (const { remedy } of found.filter(({ rule }) => !rule.startsWith('workflow/'))) assert.ok(remedy, 'says what to do')
  })
}
stalls('the image is named', () => assert.match(causes('image', world(), { now, workflow: [] })[0]?.object ?? '', IMAGE))
for (const [before1, name, more] of [
  [false, 'argocd-image-updater-controller', {}],
  [true, 'argocd-image-updater', {}],
  [true, 'my-updater', { deployments: [{ metadata: { ...updaterPod().metadata, name: 'my-updater' } }] }],
] as const) {
  stalls(`the updater's Deployment is named: ${name}`, () => {
    const found = causes('updater', world(cluster(more as object, { before1 })), { now, workflow: [] })
    assert.is(found.find(({ rule }) => rule === 'updater/not-running')?.object, `argocd/Deployment/${name}`)
    assert.match(found.at(-1)?.remedy ?? '', `-n argocd logs deployment/${name};`)
  })
}
stalls.run()
