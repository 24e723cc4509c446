import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type HopId, hops } from '../../../../lib/model/image/hops.ts'
import type { World } from '../../../../lib/model/image/world.ts'
import {
  application,
  at,
  cluster,
  DIGEST,
  event,
  IMAGE,
  image,
  job,
  now,
  OLD,
  pod,
  run,
  subject,
  surveys,
  world,
} from './fixture.ts'

const hop = (id: HopId) => {
  const found = hops.find(each => each.id === id)
  if (!found) throw new Error(`no hop ${id}`)
  return found
}

/** A stamp in whole seconds is the middle of its second. */
const stamp = (seconds: number) => ({ at: at(seconds).replace('Z', '.500Z'), error: 500 })
/** Between two surveys, two seconds apart. */
const between = { at: at(101), error: 1000 }
const normal = ({ at: time, error }: { at: string; error: number }) => ({ at: new Date(time).toISOString(), error })

const synced = application({ tag: subject.sha, synced: true })
const deployment = (replicas: number) => ({ metadata: { name: 'ml', namespace: 'threads', uid: 'dep' }, spec: { replicas } })
const replicaSet = {
  metadata: {
    ...{ name: 'set-b', namespace: 'threads', uid: 'set-b' },
    ownerReferences: [{ kind: 'Deployment', name: 'ml', uid: 'dep', controller: true }],
  },
}
const withRegistry = { registry: { image: image() } }

const reached = suite('reached')
const cases: [id: HopId, why: string, world: World, expected: { at: string; error: number } | undefined][] = [
  ['run-created', 'nothing looked at', world(), undefined],
  ['run-created', 'no run yet', world({ ci: { run: undefined, jobs: [] } }), undefined],
  ['run-created', 'a run', world({ ci: { run: run('queued'), jobs: [] } }), stamp(1)],
  [
    'run-started',
    'queued',
    world({ ci: { run: run('queued'), jobs: [job('queued', null, { started_at: null })] } }),
    undefined,
  ],
  [
    'run-started',
    'the first of its jobs',
    world({ ci: { run: run('in_progress'), jobs: [job('queued', null, { started_at: at(20) }), job('in_progress')] } }),
    stamp(10),
  ],
  ['run-completed', 'under way', world({ ci: { run: run('in_progress'), jobs: [job('in_progress')] } }), undefined],
  [
    'run-completed',
    'failed',
    world({ ci: { run: run('completed', 'failure'), jobs: [job('completed', 'failure')] } }),
    undefined,
  ],
  [
    'run-completed',
    'the last of its jobs',
    world({
      ci: {
        run: run('completed', 'success'),
        jobs: [job('completed', 'success', { completed_at: at(70) }), job('completed', 'success')],
      },
    }),
    stamp(80),
  ],
  ['run-completed', 'a run without jobs', world({ ci: { run: run('completed', 'success'), jobs: [] } }), stamp(90)],
  ['image', 'not there', world({ registry: { image: undefined } }), undefined],
  ['image', 'there', world(withRegistry), between],
  ['image', 'a variant will do', world({ registry: { image: image('linux/amd64/v3') } }), between],
  ['image', 'for another platform', world({ registry: { image: image('linux/arm64') } }), undefined],
  ['updater', 'nothing yet', world(cluster()), undefined],
  ['updater', 'its event', world(cluster({}, { events: [event()] })), stamp(120)],
  ['updater', 'the first of two events', world(cluster({}, { events: [event(subject.sha, at(140)), event()] })), stamp(120)],
  ['updater', "another build's event", world(cluster({}, { events: [event(OLD)] })), undefined],
  [
    'updater',
    'without events, the Application',
    world(cluster({ applications: [application({ tag: subject.sha })] })),
    between,
  ],
  ['updater', 'without events, the sync', world(cluster({ applications: [synced] })), stamp(121)],
  ['synced', 'not yet', world(cluster({ applications: [application({ tag: subject.sha })] })), undefined],
  ['synced', 'the sync that had the image', world(cluster({ applications: [synced] })), stamp(122)],
  ['pods-ready', 'none', world(cluster()), undefined],
  ['pods-ready', 'an old one alone', world(cluster({ pods: [pod('old', { tag: OLD })] })), undefined],
  [
    'pods-ready',
    'a new one that is not ready',
    world({ ...withRegistry, ...cluster({ pods: [pod('new', { ready: false })] }) }),
    undefined,
  ],
  ['pods-ready', 'ready', world({ ...withRegistry, ...cluster({ pods: [pod('new')] }) }), stamp(130)],
  [
    'pods-ready',
    "by the index's digest",
    world({ ...withRegistry, ...cluster({ pods: [pod('new', { digest: DIGEST })] }) }),
    stamp(130),
  ],
  [
    'pods-ready',
    'another digest',
    world({ ...withRegistry, ...cluster({ pods: [pod('new', { digest: `sha256:${'9'.repeat(64)}` })] }) }),
    undefined,
  ],
  [
    'pods-ready',
    'one of two replicas',
    world({
      ...withRegistry,
      ...cluster({ pods: [pod('new', { owned: true })], deployments: [deployment(2)], replicaSets: [replicaSet] }),
    }),
    undefined,
  ],
  [
    'pods-ready',
    'both',
    world({
      ...withRegistry,
      ...cluster({
        pods: [pod('new', { owned: true }), pod('too', { owned: true })],
        deployments: [deployment(2)],
        replicaSets: [replicaSet],
      }),
    }),
    stamp(130),
  ],
  ['old-pods-gone', 'not looked at', world(), undefined],
  ['old-pods-gone', 'one is there', world(cluster({ pods: [pod('old', { tag: OLD }), pod('new')] })), undefined],
  ['old-pods-gone', 'gone', world(cluster({ pods: [pod('new')] })), between],
]
for (const [id, why, seen, expected] of cases) {
  reached(`${id}: ${why}`, () => {
    const sighting = hop(id).reached(seen, surveys)
    assert.equal(sighting && normal(sighting), expected && normal(expected))
  })
}
reached('a pod that has ended is no old one', () => {
  const ended = pod('old', { tag: OLD })
  const world_ = world(cluster({ pods: [{ ...ended, status: { ...ended.status, phase: 'Failed' } }, pod('new')] }))
  assert.ok(hop('old-pods-gone').reached(world_, surveys))
})
reached.run()

const failed = (step?: string) =>
  world({
    ci: {
      run: run('completed', 'failure'),
      jobs: [
        job('completed', 'success', { name: 'build (nextjs)' }),
        job('completed', 'failure', step ? { steps: [{ name: step, status: 'completed', conclusion: 'failure' }] } : {}),
      ],
    },
  })
const noMatch = `ImagePullBackOff: Back-off pulling image "${IMAGE}:${subject.sha}": no match for platform in manifest`

const failures = suite('failure')
for (const [id, why, seen, rule, message] of [
  ['run-started', 'a run that goes on', world({ ci: { run: run('in_progress'), jobs: [] } }), undefined, ''],
  [
    'run-completed',
    'a job',
    failed('Build and push'),
    'delivery/run-failed',
    'failure in job "build (ml-service)", step "Build and push"',
  ],
  [
    'run-completed',
    'no job at all',
    world({ ci: { run: run('completed', 'startup_failure'), jobs: [] } }),
    'delivery/run-failed',
    'is the workflow valid',
  ],
  ['image', 'not there yet', world({ registry: { image: undefined } }), undefined, ''],
  [
    'image',
    'arm64 alone',
    world({ registry: { image: image('linux/arm64') } }),
    'image/platform',
    'is for linux/arm64, the node is linux/amd64',
  ],
  ['pods-ready', 'a pod that is on its way', world(cluster({ pods: [pod('new', { ready: false })] })), undefined, ''],
  [
    'pods-ready',
    'the wrong platform',
    world(cluster({ pods: [pod('new', { ready: false, waiting: noMatch })] })),
    'pod/architecture',
    'not for linux/amd64',
  ],
  [
    'pods-ready',
    'an old pod in trouble is none of it',
    world(cluster({ pods: [pod('old', { tag: OLD, ready: false, waiting: noMatch })] })),
    undefined,
    '',
  ],
  [
    'pods-ready',
    'another image under the same tag',
    world({ ...withRegistry, ...cluster({ pods: [pod('new', { digest: `sha256:${'9'.repeat(64)}` })] }) }),
    'image/digest',
    'an image that differs',
  ],
] as [HopId, string, World, string | undefined, string][]) {
  failures(`${id}: ${why}`, () => {
    const finding = hop(id).failure?.(seen, now)
    assert.is(finding?.rule, rule)
    if (finding) assert.match(finding.message, message)
  })
}
failures.run()

const order = suite('hops')
order('each is counted from the push or one before it', () => {
  const before = new Set<string>(['push'])
  for (const { id, after } of hops) {
    assert.ok(before.has(after), `${id} is counted from ${after}`)
    before.add(id)
  }
})
order.run()
