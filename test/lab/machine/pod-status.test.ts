import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Container, ContainerState, ContainerStatus, Pod } from '../../../lab/machine/node-agent/kubernetes.ts'
import {
  backOff,
  duration,
  type PodFacts,
  phaseOf,
  refusal,
  refusedContainer,
  restarts,
  statusOf,
} from '../../../lab/machine/node-agent/status.ts'

const running: ContainerState = { running: { startedAt: '2026-01-01T00:00:00Z' } }
const waiting: ContainerState = { waiting: { reason: 'ContainerCreating' } }
const ended = (exitCode: number): ContainerState => ({
  terminated: { exitCode, reason: 'Error', startedAt: null, finishedAt: null },
})

const container = (state: ContainerState, lastState: ContainerState = {}): ContainerStatus => ({
  ...{ name: 'app', image: 'app', imageID: '', restartCount: 0 },
  ready: state.running !== undefined,
  state,
  lastState,
})
const pod = (restartPolicy: Pod['spec']['restartPolicy']): Pod => ({
  metadata: { name: 'pod', uid: 'uid' },
  spec: { nodeName: 'node', restartPolicy, containers: [{ name: 'app', image: 'app' }] },
  status: {},
})
const facts = (containers: ContainerStatus[], initContainers: ContainerStatus[] = []): PodFacts => ({
  ...{ startTime: '2026-01-01T00:00:00Z', hostIP: '10.142.0.2', podIP: '10.244.0.2', volumesReady: true },
  containers,
  initContainers,
})

const phases = suite('phaseOf')
for (const [why, policy, containers, init, expected] of [
  ['a container that has never run', 'Always', [container(waiting)], [], 'Pending'],
  ['a running container', 'Always', [container(running)], [], 'Running'],
  ['one of two runs', 'Always', [container(running), container(waiting)], [], 'Pending'],
  ['between two runs', 'Always', [container(waiting, ended(1))], [], 'Running'],
  ['an end that is followed by a restart', 'Always', [container(ended(0))], [], 'Running'],
  ['a job that completed', 'Never', [container(ended(0))], [], 'Succeeded'],
  ['a job that failed', 'Never', [container(ended(1))], [], 'Failed'],
  ['a job that is tried again', 'OnFailure', [container(ended(1))], [], 'Running'],
  ['an init container at work', 'Always', [container(waiting)], [container(running)], 'Pending'],
  ['an init container done', 'Always', [container(running)], [container(ended(0))], 'Running'],
  ['an init container failed for good', 'Never', [container(waiting)], [container(ended(1))], 'Failed'],
] as const) {
  phases(why, () => assert.is(phaseOf(pod(policy), facts([...containers], [...init])), expected))
}
phases.run()

const conditions = suite('conditions of statusOf')
const conditionIn = (status: ReturnType<typeof statusOf>, type: string) =>
  status.conditions?.find(condition => condition.type === type)

conditions('a ready pod', () => {
  const status = statusOf(pod('Always'), facts([container(running)]), 'now')
  assert.is(conditionIn(status, 'Ready')?.status, 'True')
  assert.is(conditionIn(status, 'Initialized')?.status, 'True')
})
conditions('an unready container is named', () => {
  const status = statusOf(pod('Always'), facts([container(waiting)]), 'now')
  assert.is(conditionIn(status, 'Ready')?.message, 'containers with unready status: [app]')
})
conditions('a completed pod is not ready, and that is no fault', () => {
  const status = statusOf(pod('Never'), facts([container(ended(0))]), 'now')
  assert.is(conditionIn(status, 'Ready')?.reason, 'PodCompleted')
})
conditions('an evicted pod has failed, and says why', () => {
  const status = statusOf(pod('Always'), { ...facts([container(ended(137))]), eviction: 'low' }, 'now')
  assert.equal([status.phase, status.reason, status.message], ['Failed', 'Evicted', 'low'])
  assert.is(conditionIn(status, 'Ready')?.reason, 'PodFailed')
  assert.is(conditionIn(status, 'DisruptionTarget')?.reason, 'TerminationByKubelet')
})
conditions('a condition that stays keeps its date, and those of others stay', () => {
  const before = pod('Always')
  before.status.conditions = [
    { type: 'PodScheduled', status: 'True', lastTransitionTime: 'first' },
    { type: 'Ready', status: 'True', lastTransitionTime: 'then' },
  ]
  const status = statusOf(before, facts([container(running)]), 'now')
  assert.is(conditionIn(status, 'PodScheduled')?.lastTransitionTime, 'first')
  assert.is(conditionIn(status, 'Ready')?.lastTransitionTime, 'then')
  assert.is(conditionIn(status, 'Initialized')?.lastTransitionTime, 'now')
})
conditions.run()

const retries = suite('retries')
retries('the back-off doubles up to five minutes', () => {
  assert.equal([0, 1, 2, 5, 30].map(backOff), [10_000, 20_000, 40_000, 300_000, 300_000])
})
retries('a duration as Go prints it', () => {
  assert.equal([10_000, 80_000, 300_000].map(duration), ['10s', '1m20s', '5m0s'])
})
for (const [policy, exitCode, expected] of [
  ['Always', 0, true],
  ['OnFailure', 0, false],
  ['OnFailure', 1, true],
  ['Never', 1, false],
] as const) {
  retries(`${policy} after exit code ${exitCode}`, () => assert.is(restarts(pod(policy), exitCode), expected))
}
retries.run()

const refused = suite('containers that the lab refuses')
const shell: Container = { name: 'debugger', image: 'busybox', stdin: true }
for (const [why, policy, one, isRun, expected] of [
  ['a shell in a pod that ends with it, as `kubectl debug node/…` makes one', 'Never', shell, false, true],
  ['one that is started again would never end', 'Always', shell, false, false],
  ['one that nobody types into', 'Never', { ...shell, stdin: false }, false, false],
  ['one with a program', 'Never', shell, true, false],
] as [string, Pod['spec']['restartPolicy'], Container, boolean, boolean][]) {
  refused(why, () => assert.is(refusal(pod(policy), one, isRun) !== undefined, expected))
}
refused('the status ends kubectl’s wait, and says why', () => {
  const status = refusedContainer(shell, 'containerd://1', 'no', '2026-01-01T00:00:00Z')
  assert.equal(status.state, {
    terminated: {
      ...{ exitCode: 128, reason: 'ContainerCannotRun', message: 'no', containerID: 'containerd://1' },
      ...{ startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:00Z' },
    },
  })
  assert.equal([status.name, status.image, status.ready, status.restartCount], ['debugger', 'busybox', false, 0])
})
refused('an ephemeral container has its own list, and no part in the pod’s health', () => {
  const ephemeralContainers = [refusedContainer(shell, 'containerd://1', 'no', 'then')]
  const status = statusOf(pod('Always'), { ...facts([container(running)]), ephemeralContainers }, 'now')
  assert.is(status.phase, 'Running')
  assert.is(conditionIn(status, 'Ready')?.status, 'True')
  assert.equal(status.ephemeralContainerStatuses, ephemeralContainers)
})
refused('without any there is no list', () =>
  assert.not('ephemeralContainerStatuses' in statusOf(pod('Always'), facts([container(running)]), 'now')),
)
refused.run()
