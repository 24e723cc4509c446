import type { Condition, Container, ContainerStatus, Pod, PodStatus, Terminated } from './kubernetes.ts'

/** What the agent knows about a running pod; the containers are in the specification's order. */
export interface PodFacts {
  startTime: string
  hostIP: string
  podIP: string
  volumesReady: boolean
  initContainers: ContainerStatus[]
  containers: ContainerStatus[]
  /** In the order in which they were added. */
  ephemeralContainers?: ContainerStatus[]
  /** Why the pod was evicted, if it was. */
  eviction?: string
}

/** The status that the kubelet would report. `now` is the time of conditions that change. */
export function statusOf(pod: Pod, facts: PodFacts, now: string): PodStatus {
  const phase = phaseOf(pod, facts)
  const earlier = pod.status.conditions ?? []
  const conditions = conditionsOf(pod, facts, phase).map(condition => dated(condition, earlier, now))
  const own = new Set(conditions.map(({ type }) => type))
  return {
    phase,
    ...(facts.eviction === undefined ? {} : { reason: 'Evicted', message: facts.eviction }),
    conditions: [...earlier.filter(({ type }) => !own.has(type)), ...conditions],
    startTime: facts.startTime,
    hostIP: facts.hostIP,
    hostIPs: [{ ip: facts.hostIP }],
    ...(facts.volumesReady ? { podIP: facts.podIP, podIPs: [{ ip: facts.podIP }] } : {}),
    ...(facts.initContainers.length > 0 ? { initContainerStatuses: facts.initContainers } : {}),
    containerStatuses: facts.containers,
    ...(facts.ephemeralContainers?.length ? { ephemeralContainerStatuses: facts.ephemeralContainers } : {}),
  }
}

/** The kubelet's rule: pkg/kubelet/kubelet_pods.go, getPhase. */
export function phaseOf({ spec }: Pod, { initContainers, containers, eviction }: PodFacts): NonNullable<PodStatus['phase']> {
  if (eviction !== undefined) return 'Failed'
  const sidecars = new Set(
    spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  )
  const initial = initContainers.filter(({ name }) => !sidecars.has(name))
  if (spec.restartPolicy === 'Never' && initial.some(({ state }) => (state.terminated?.exitCode ?? 0) !== 0)) return 'Failed'
  if (initial.some(({ state }) => state.terminated?.exitCode !== 0)) return 'Pending'
  if (containers.some(({ state, lastState }) => !state.running && !state.terminated && !lastState.terminated)) return 'Pending'
  if (containers.some(({ state }) => state.running) || spec.restartPolicy === 'Always') return 'Running'
  const ends = containers.map(({ state }) => state.terminated)
  // A waiting container is between two runs.
  if (ends.some(end => end === undefined)) return 'Running'
  if (ends.every(end => end?.exitCode === 0)) return 'Succeeded'
  return spec.restartPolicy === 'Never' ? 'Failed' : 'Running'
}

function conditionsOf({ spec }: Pod, facts: PodFacts, phase: PodStatus['phase']): Condition[] {
  const ended = phase === 'Succeeded'
  const failed = phase === 'Failed'
  const sidecars = new Set(
    spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  )
  const incomplete = facts.initContainers
    .filter(({ name, state, started }) => (sidecars.has(name) ? !started : state.terminated?.exitCode !== 0))
    .map(({ name }) => name)
  const unready = facts.containers.filter(({ ready }) => !ready).map(({ name }) => name)
  const ready: Omit<Condition, 'type'> = failed
    ? { status: 'False', reason: 'PodFailed' }
    : unready.length === 0 && incomplete.length === 0
      ? { status: 'True' }
      : ended
        ? { status: 'False', reason: 'PodCompleted' }
        : { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
  const initialized: Omit<Condition, 'type'> =
    incomplete.length === 0
      ? { status: 'True', ...(ended ? { reason: 'PodCompleted' } : {}) }
      : {
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        }
  const disruption: Condition[] =
    facts.eviction === undefined
      ? []
      : [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: facts.eviction }]
  return [
    { type: 'PodReadyToStartContainers', status: facts.volumesReady && !ended && !failed ? 'True' : 'False' },
    { type: 'Initialized', ...initialized },
    { type: 'Ready', ...ready },
    { type: 'ContainersReady', ...ready },
    ...disruption,
  ]
}

function dated(condition: Condition, earlier: readonly Condition[], now: string): Condition {
  const same = earlier.find(({ type, status }) => type === condition.type && status === condition.status)
  return { ...condition, lastProbeTime: null, lastTransitionTime: same?.lastTransitionTime ?? now }
}

/** A container that has not run yet. */
export const waitingContainer = (name: string, image: string, reason: string): ContainerStatus => ({
  name,
  image,
  imageID: '',
  ready: false,
  started: false,
  restartCount: 0,
  state: { waiting: { reason } },
  lastState: {},
})

/** Why the lab does not even start an ephemeral container. */
export const NO_EPHEMERAL =
  'the lab runs no ephemeral containers: use `kubectl exec` where a container has a process; see docs/lab.md'

/**
 * Why the lab does not even start a container. Who waits to type into one, as `kubectl debug node/…` does, would wait forever for a
 * container without a process.
 * @param isRun whether it would have a process
 */
export const refusal = ({ spec }: Pod, { stdin }: Container, isRun: boolean): string | undefined =>
  stdin && !isRun && spec.restartPolicy === 'Never'
    ? 'the lab runs no program for this container, so that there is nothing to type into; see docs/lab.md'
    : undefined

/** As the kubelet reports a container that the runtime could not start. */
export function refusedContainer(
  { name, image }: Container,
  containerID: string,
  message: string,
  now: string,
): ContainerStatus {
  const times = { startedAt: now, finishedAt: now }
  return {
    ...waitingContainer(name, image, ''),
    containerID,
    state: { terminated: { exitCode: 128, reason: 'ContainerCannotRun', message, ...times, containerID } },
  }
}

/** How the kubelet reports a container of which it finds no trace after a reboot. */
export const lostContainer = (containerID: string | undefined): Terminated => ({
  exitCode: 255,
  reason: 'Unknown',
  message: 'The container could not be located when the pod was terminated',
  startedAt: null,
  finishedAt: null,
  ...(containerID ? { containerID } : {}),
})

/** Milliseconds before the n-th retry, counted from 0: 10 s, doubled up to five minutes, like the kubelet's back-off. */
export const backOff = (attempt: number): number => Math.min(10_000 * 2 ** attempt, 300_000)

/** Milliseconds as Go prints a duration: `10s`, `1m20s`, `5m0s`. */
export const duration = (ms: number): string => {
  const [minutes, seconds] = [Math.floor(ms / 60_000), (ms % 60_000) / 1000]
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}

export const restarts = ({ spec }: Pod, exitCode: number): boolean =>
  spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && exitCode !== 0)
