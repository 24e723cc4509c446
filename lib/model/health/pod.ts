import { command, quote } from '../shell.ts'
import { ageOf, formatAge, isSettling } from './age.ts'
import { broken, doubtful, type Finding, noted, underway } from './finding.ts'
import { imageFinding } from './image.ts'
import {
  type ContainerStatus,
  conditionOf,
  controllerOf,
  isReady,
  type Node,
  nameOf,
  type Pod,
  type TerminatedState,
} from './objects.ts'

/** A pod may have restarted this often; more restarts, the last one within the hour, are reported. */
const RESTART_LIMIT = 5
const RECENTLY_MS = 3_600_000
/** The kubelet needs a moment after the grace period. */
const DELETION_SLACK_MS = 60_000

/**
 * gitops-engine's rules for pods, and what they miss: failing init containers, `InvalidImageName`, empty messages, and pods that
 * stay Pending or unready forever.
 * @see https://github.com/argoproj/gitops-engine/blob/master/pkg/health/health_pod.go
 */
export function podFindings(pods: readonly Pod[], nodes: readonly Node[], now: Date): Finding[] {
  return pods.flatMap(pod => {
    const node = nodes.find(({ metadata }) => metadata.name === pod.spec?.nodeName)
    return podFinding(pod, node, now) ?? []
  })
}

function podFinding(pod: Pod, node: Node | undefined, now: Date): Finding | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return deletion(pod, now)
  if (pod.status?.phase === 'Succeeded') return undefined
  if (pod.status?.phase === 'Failed') return failure(pod)
  return containerTrouble(pod, node) ?? readiness(pod, now) ?? restarts(pod, now)
}

const kubectl = (verb: 'logs' | 'describe pod' | 'delete pod', { metadata: { namespace = '', name } }: Pod): string =>
  quote(['kubectl', '-n', namespace, ...verb.split(' '), name])

function deletion(pod: Pod, now: Date): Finding {
  const late = ageOf(pod.metadata.deletionTimestamp, now)
  const object = nameOf('Pod', pod)
  if (late <= DELETION_SLACK_MS) return underway('pod/terminating', object, 'being deleted')
  return doubtful('pod/stuck-terminating', object, `should have been gone ${formatAge(late)} ago`, {
    evidence: { finalizers: pod.metadata.finalizers ?? [], node: pod.spec?.nodeName },
    remedy: `if its node is gone: ${kubectl('delete pod', pod)} --grace-period=0 --force`,
  })
}

function failure(pod: Pod): Finding {
  const { reason = '', message } = pod.status ?? {}
  const ended = statusesOf(pod).flatMap(({ name, state }) =>
    state?.terminated && state.terminated.exitCode !== 0 ? [`${name} ${describe(state.terminated)}`] : [],
  )
  const why = message || ended.join(', ') || reason || 'failed without a message'
  const details = { evidence: { reason, containers: ended }, remedy: kubectl('delete pod', pod) }
  // Its controller has replaced it.
  if (controllerOf(pod))
    return noted('pod/leftover', nameOf('Pod', pod), `left over: ${reason ? `${reason}: ` : ''}${why}`, details)
  return broken('pod/failed', nameOf('Pod', pod), why, details)
}

function containerTrouble(pod: Pod, node: Node | undefined): Finding | undefined {
  for (const container of statusesOf(pod)) {
    const image = imageOf(pod, container)
    const about = { container: container.name, image, node: node?.status?.nodeInfo?.architecture }
    const finding =
      imageFinding({ pod, container, image, node }) ?? waiting(pod, container, about) ?? crash(pod, container, about)
    if (finding) return finding
  }
  return undefined
}

/** `Err*`, `*Error` and `*BackOff`, as in gitops-engine, but in init containers as well. */
const BAD_REASON = /^Err|Error$|BackOff$/

/** Which container of which image on which architecture. */
type About = Record<'container' | 'image' | 'node', string | undefined>

function waiting(pod: Pod, container: ContainerStatus, about: About): Finding | undefined {
  const { reason = '', message } = container.state?.waiting ?? {}
  if (!BAD_REASON.test(reason)) return undefined
  const { name, restartCount = 0 } = container
  const last = container.lastState?.terminated
  const evidence = { ...about, reason, restarts: restartCount, exitCode: last?.exitCode ?? null }
  if (reason === 'CrashLoopBackOff') {
    const text = `container ${name} keeps crashing: ${last ? describe(last) : message || reason}, ${restartCount} restarts`
    return broken('pod/crash-loop', nameOf('Pod', pod), text, { evidence, remedy: previousLogs(pod, name) })
  }
  const text = `container ${name} can't start: ${reason}${message ? `: ${message}` : ''}`
  return broken('pod/container', nameOf('Pod', pod), text, { evidence, remedy: kubectl('describe pod', pod) })
}

/** Between two back-offs a crashing container runs for a moment, which must not pass for progress. */
function crash(pod: Pod, { name, ready, lastState, restartCount = 0 }: ContainerStatus, about: About): Finding | undefined {
  const last = lastState?.terminated
  // After a node's boot the kubelet reports `Unknown`, or 0 for what was stopped in an orderly way: neither is a crash.
  if (ready || isReady(pod) || last === undefined || last.exitCode === 0 || last.reason === 'Unknown') return undefined
  return broken('pod/crashed', nameOf('Pod', pod), `container ${name} ${describe(last)} and is not ready yet`, {
    evidence: { ...about, exitCode: last.exitCode, restarts: restartCount },
    remedy: previousLogs(pod, name),
  })
}

const previousLogs = (pod: Pod, container: string): string => kubectl('logs', pod) + command` -c ${container} --previous`

function readiness(pod: Pod, now: Date): Finding | undefined {
  const finite = pod.spec?.restartPolicy !== undefined && pod.spec.restartPolicy !== 'Always'
  const runsToEnd = finite && pod.status?.phase === 'Running'
  if (isReady(pod) && !runsToEnd) return undefined
  const object = nameOf('Pod', pod)
  const conditions = pod.status?.conditions
  const scheduled = conditionOf(conditions, 'PodScheduled')
  const since = conditionOf(conditions, 'Ready')?.lastTransitionTime ?? pod.metadata.creationTimestamp
  const level = isSettling(since, now) ? underway : broken
  const age = formatAge(ageOf(since, now))
  if (scheduled?.status === 'False') {
    const text = `unschedulable for ${age}: ${scheduled.message || scheduled.reason || 'the scheduler gives no reason'}`
    return level('pod/unschedulable', object, text, { evidence: { since }, remedy: kubectl('describe pod', pod) })
  }
  // A pod that runs to completion is on its way until it has ended, ready or not.
  if (runsToEnd) return underway('pod/running', object, `running to completion for ${age}`)
  const unready = statusesOf(pod).filter(({ ready }) => !ready)
  const waits = unready.map(({ name, state }) => `${name} ${state?.waiting?.reason ?? 'not ready'}`)
  const phase = pod.status?.phase ?? 'Unknown'
  const text = `${phase}, not ready for ${age}${waits.length > 0 ? `: ${waits.join(', ')}` : ''}`
  return level('pod/not-ready', object, text, {
    evidence: { phase, since, containers: waits },
    remedy: kubectl('describe pod', pod),
  })
}

function restarts(pod: Pod, now: Date): Finding | undefined {
  const shaky = statusesOf(pod).find(({ restartCount = 0, lastState }) => {
    return restartCount > RESTART_LIMIT && ageOf(lastState?.terminated?.finishedAt, now) < RECENTLY_MS
  })
  if (!shaky) return undefined
  const { name, restartCount = 0, lastState } = shaky
  const last = lastState?.terminated
  const text = `container ${name} restarted ${restartCount} times${last ? `; the last time it ${describe(last)}` : ''}`
  return doubtful('pod/restarts', nameOf('Pod', pod), text, {
    evidence: { container: name, restarts: restartCount },
    remedy: previousLogs(pod, name),
  })
}

const statusesOf = ({ status }: Pod): ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
]

function imageOf({ spec }: Pod, { name, image = '' }: ContainerStatus): string {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  return containers.find(container => container.name === name)?.image ?? image
}

const describe = ({ exitCode, reason, message }: TerminatedState): string =>
  `ended with exit code ${exitCode}${reason && reason !== 'Error' ? ` (${reason})` : ''}${message ? `: ${message.trim()}` : ''}`
