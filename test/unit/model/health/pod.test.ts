import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ContainerStatus, Pod } from '../../../../lib/model/health/objects.ts'
import { podFindings } from '../../../../lib/model/health/pod.ts'
import { ago, type Change, container, HOUR, inBrief, MINUTE, NOW, node, pod, ready, SECOND } from '../../support/kubernetes.ts'

const findings = (...pods: Pod[]) => podFindings(pods, [node()], NOW)

const waiting = (reason: string, message?: string): Partial<ContainerStatus> => ({
  ready: false,
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
})
const ended = (exitCode: number, more: { reason?: string; message?: string; finishedAt?: string } = {}) => ({
  terminated: { exitCode, ...more },
})
const unready = (since: string, ...containerStatuses: ContainerStatus[]): Change<Pod> => ({
  status: { phase: 'Running', conditions: ready('False', since), containerStatuses },
})
const withInit = (init: Partial<ContainerStatus>): Change<Pod> => ({
  spec: {
    initContainers: [{ name: 'migrate', image: 'migrate:1' }],
    containers: [{ name: 'nextjs', image: 'nextjs:1' }],
    restartPolicy: 'Always',
  },
  status: {
    phase: 'Pending',
    conditions: ready('False', ago(MINUTE)),
    initContainerStatuses: [container({ name: 'migrate', ...init })],
    containerStatuses: [container(waiting('PodInitializing'))],
  },
})

const rules = suite('podFindings')
for (const [why, change, expected] of [
  ['running and ready', {}, []],
  ['ended well', { status: { phase: 'Succeeded', conditions: ready('False') } }, []],

  [
    'pod/terminating: within its grace period',
    { metadata: { deletionTimestamp: ago(-20 * SECOND) } },
    ['warning pod/terminating, heals'],
  ],
  [
    'pod/terminating: its grace has just ended',
    { metadata: { deletionTimestamp: ago(MINUTE) } },
    ['warning pod/terminating, heals'],
  ],
  ['pod/stuck-terminating', { metadata: { deletionTimestamp: ago(MINUTE + SECOND) } }, ['warning pod/stuck-terminating']],
  [
    'pod/stuck-terminating: whatever its containers say',
    { metadata: { deletionTimestamp: ago(HOUR) }, status: { containerStatuses: [container(waiting('CrashLoopBackOff'))] } },
    ['warning pod/stuck-terminating'],
  ],

  ['pod/leftover: evicted', { status: { phase: 'Failed', reason: 'Evicted' } }, ['info pod/leftover']],
  [
    'pod/failed: nobody makes another one',
    { metadata: { ownerReferences: [] }, status: { phase: 'Failed' } },
    ['error pod/failed'],
  ],

  ['pod/crash-loop', unready(ago(MINUTE), container(waiting('CrashLoopBackOff'))), ['error pod/crash-loop']],
  ['pod/crash-loop: an init container', withInit(waiting('CrashLoopBackOff')), ['error pod/crash-loop']],
  ['pod/container: Err*', unready(ago(MINUTE), container(waiting('ErrSomething'))), ['error pod/container']],
  ['pod/container: *Error', unready(ago(MINUTE), container(waiting('CreateContainerConfigError'))), ['error pod/container']],
  ['pod/container: *BackOff', unready(ago(MINUTE), container(waiting('StartBackOff'))), ['error pod/container']],
  ['pod/container: an init container', withInit(waiting('CreateContainerError')), ['error pod/container']],
  [
    'pod/container: a hook',
    { spec: { restartPolicy: 'Never' }, ...unready(ago(MINUTE), container(waiting('RunContainerError'))) },
    ['error pod/container'],
  ],
  ['a reason that only contains Err', unready(ago(MINUTE), container(waiting('NoErrYet'))), ['warning pod/not-ready, heals']],
  ['pod/image: an init container', withInit(waiting('ImagePullBackOff')), ['error pod/image']],
  ['pod/image: InvalidImageName', unready(ago(MINUTE), container(waiting('InvalidImageName'))), ['error pod/image']],
  [
    'pod/architecture: an init container',
    withInit(waiting('ErrImagePull', 'no match for platform in manifest: not found')),
    ['error pod/architecture'],
  ],

  [
    'pod/crashed: runs for a moment between two back-offs',
    unready(ago(MINUTE), container({ ready: false, restartCount: 3, lastState: ended(1) })),
    ['error pod/crashed'],
  ],
  [
    'pod/crashed: an init container between two back-offs',
    withInit({ ready: false, restartCount: 3, lastState: ended(1) }),
    ['error pod/crashed'],
  ],
  [
    'an init container that failed once and then did its work',
    {
      status: {
        initContainerStatuses: [container({ name: 'migrate', restartCount: 1, state: ended(0), lastState: ended(1) })],
      },
    },
    [],
  ],
  [
    'lost with the VM, which is nobody’s crash',
    unready(ago(MINUTE), container({ ready: false, restartCount: 1, lastState: ended(255, { reason: 'Unknown' }) })),
    ['warning pod/not-ready, heals'],
  ],
  [
    'stopped in good order with the VM',
    unready(ago(MINUTE), container({ ready: false, restartCount: 1, lastState: ended(0, { reason: 'Completed' }) })),
    ['warning pod/not-ready, heals'],
  ],
  [
    'crashed once, ready again',
    { status: { containerStatuses: [container({ restartCount: 1, lastState: ended(137, { reason: 'OOMKilled' }) })] } },
    [],
  ],
  [
    'its sidecar crashed, it is the other one that is not ready',
    unready(ago(MINUTE), container({ name: 'sidecar', restartCount: 1, lastState: ended(1) }), container({ ready: false })),
    ['warning pod/not-ready, heals'],
  ],

  [
    'pod/unschedulable: just now',
    {
      metadata: { creationTimestamp: ago(MINUTE) },
      status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False' }], containerStatuses: [] },
    },
    ['warning pod/unschedulable, heals'],
  ],
  [
    'pod/unschedulable: for good',
    { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False' }], containerStatuses: [] } },
    ['error pod/unschedulable'],
  ],
  [
    'pod/not-ready: on its way',
    unready(ago(5 * MINUTE - SECOND), container({ ready: false })),
    ['warning pod/not-ready, heals'],
  ],
  [
    'pod/not-ready: running, but not ready, for good',
    unready(ago(5 * MINUTE), container({ ready: false })),
    ['error pod/not-ready'],
  ],
  [
    'pod/not-ready: pending for good',
    { status: { phase: 'Pending', conditions: [], containerStatuses: [container(waiting('ContainerCreating'))] } },
    ['error pod/not-ready'],
  ],
  [
    'pod/not-ready: its node does not answer',
    { status: { phase: 'Unknown', conditions: ready('False', ago(MINUTE)) } },
    ['warning pod/not-ready, heals'],
  ],
  ['pod/running: a finite life, and so ready', { spec: { restartPolicy: 'Never' } }, ['warning pod/running, heals']],
  [
    'pod/running: a finite life, not ready',
    { spec: { restartPolicy: 'OnFailure' }, ...unready(ago(HOUR), container({ ready: false })) },
    ['warning pod/running, heals'],
  ],

  [
    'pod/restarts',
    { status: { containerStatuses: [container({ restartCount: 6, lastState: ended(1, { finishedAt: ago(MINUTE) }) })] } },
    ['warning pod/restarts'],
  ],
  [
    'as many restarts as may be',
    { status: { containerStatuses: [container({ restartCount: 5, lastState: ended(1, { finishedAt: ago(MINUTE) }) })] } },
    [],
  ],
  [
    'many restarts, long ago',
    { status: { containerStatuses: [container({ restartCount: 60, lastState: ended(1, { finishedAt: ago(2 * HOUR) }) })] } },
    [],
  ],
] as [string, Change<Pod>, string[]][]) {
  rules(why, () => assert.equal(inBrief(findings(pod(change))), expected))
}
rules('a pod of which only its creation is known', () => {
  const [found] = findings({ metadata: { ...pod().metadata, creationTimestamp: ago(SECOND) } })
  assert.is(found?.message, 'Unknown, not ready for 1 s')
})
rules('the image as the manifest names it, the architecture of the pod’s own node', () => {
  const { status } = unready(
    ago(MINUTE),
    container({ ...waiting('ErrImagePull', 'no match for platform in manifest'), image: '' }),
  )
  const spec = {
    nodeName: 'arm',
    containers: [
      { name: 'sidecar', image: 'sidecar:1' },
      { name: 'nextjs', image: 'nextjs:2' },
    ],
  }
  const arm = node({ metadata: { name: 'arm' }, status: { nodeInfo: { architecture: 'arm64' } } })
  const [found] = podFindings([pod({ spec, status })], [node(), arm], NOW)
  assert.is(found?.message, 'image nextjs:2 is not for linux/arm64, which the node is')
})
rules('each pod for itself', () => {
  const bad = pod({ metadata: { name: 'bad' }, status: { phase: 'Failed' } })
  assert.equal(
    findings(pod(), bad, pod()).map(({ object }) => object),
    ['threads/Pod/bad'],
  )
})
rules.run()

const messages = suite('what a pod finding says')
for (const [why, change, message, remedy] of [
  [
    'a crash, with its exit code and the logs of the run that ended',
    unready(
      ago(MINUTE),
      container({
        ...waiting('CrashLoopBackOff', 'back-off 5m0s restarting'),
        restartCount: 7,
        lastState: ended(137, { reason: 'OOMKilled' }),
      }),
    ),
    'container nextjs keeps crashing: ended with exit code 137 (OOMKilled), 7 restarts',
    'kubectl -n threads logs nextjs-5d8f-x -c nextjs --previous',
  ],
  [
    'a crash loop without a message',
    unready(ago(MINUTE), container({ ...waiting('CrashLoopBackOff', ''), restartCount: 7 })),
    'container nextjs keeps crashing: CrashLoopBackOff, 7 restarts',
    'kubectl -n threads logs nextjs-5d8f-x -c nextjs --previous',
  ],
  [
    'a waiting container without a message',
    unready(ago(MINUTE), container(waiting('CreateContainerError', ''))),
    "container nextjs can't start: CreateContainerError",
    'kubectl -n threads describe pod nextjs-5d8f-x',
  ],
  [
    'a crash with the last words',
    unready(ago(MINUTE), container({ ready: false, lastState: ended(1, { reason: 'Error', message: 'no database\n' }) })),
    'container nextjs ended with exit code 1: no database and is not ready yet',
    'kubectl -n threads logs nextjs-5d8f-x -c nextjs --previous',
  ],
  [
    'a failed pod in its own words',
    { metadata: { ownerReferences: [] }, status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on disk.' } },
    'The node was low on disk.',
    'kubectl -n threads delete pod nextjs-5d8f-x',
  ],
  [
    'a failed pod without words, by the containers that failed',
    {
      metadata: { ownerReferences: [] },
      status: {
        phase: 'Failed',
        containerStatuses: [container({ name: 'proxy', state: ended(0) }), container({ state: ended(2) })],
      },
    },
    'nextjs ended with exit code 2',
    'kubectl -n threads delete pod nextjs-5d8f-x',
  ],
  [
    'a failed pod without anything',
    { metadata: { ownerReferences: [] }, status: { phase: 'Failed', containerStatuses: [] } },
    'failed without a message',
    'kubectl -n threads delete pod nextjs-5d8f-x',
  ],
  [
    'a leftover with its reason',
    { status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on disk.' } },
    'left over: Evicted: The node was low on disk.',
    'kubectl -n threads delete pod nextjs-5d8f-x',
  ],
  [
    'the scheduler’s words',
    {
      status: {
        conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }],
        containerStatuses: [],
      },
    },
    'unschedulable for 60 min: 0/1 nodes are available',
    'kubectl -n threads describe pod nextjs-5d8f-x',
  ],
  [
    'the scheduler’s reason, where it has no words',
    { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }], containerStatuses: [] } },
    'unschedulable for 60 min: SchedulingGated',
    'kubectl -n threads describe pod nextjs-5d8f-x',
  ],
  [
    'what an unready pod waits for',
    {
      status: {
        phase: 'Pending',
        conditions: ready('False', ago(MINUTE)),
        containerStatuses: [container(waiting('ContainerCreating'))],
      },
    },
    'Pending, not ready for 60 s: nextjs ContainerCreating',
    'kubectl -n threads describe pod nextjs-5d8f-x',
  ],
  [
    'how to end a pod that does not go',
    { metadata: { deletionTimestamp: ago(10 * MINUTE) } },
    'should have been gone 10 min ago',
    'if its node is gone: kubectl -n threads delete pod nextjs-5d8f-x --grace-period=0 --force',
  ],
  [
    'how often, and how it ended last',
    { status: { containerStatuses: [container({ restartCount: 9, lastState: ended(1, { finishedAt: ago(MINUTE) }) })] } },
    'container nextjs restarted 9 times; the last time it ended with exit code 1',
    'kubectl -n threads logs nextjs-5d8f-x -c nextjs --previous',
  ],
] as [string, Change<Pod>, string, string][]) {
  messages(why, () => {
    const [finding] = findings(pod(change))
    assert.is(finding?.message, message)
    assert.is(finding?.remedy, remedy)
  })
}
messages.run()
