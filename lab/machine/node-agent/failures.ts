import type { Container, Pod, Probe } from './kubernetes.ts'
import type { Outcome, ProbeKind } from './probes.ts'
import { portOf } from './probes.ts'

/** The annotation that makes a pod fail, as a kubelet would report it. */
export const FAIL = 'lab.threads-ops/fail'

export const FAILURES = ['crash-loop', 'oom', 'probe', 'liveness', 'image-pull', 'evicted', 'unschedulable'] as const
export type Failure = (typeof FAILURES)[number]

/** The failure that the pod's annotation requests, if any. */
export const failureOf = ({ metadata }: Pod): Failure | undefined =>
  FAILURES.find(failure => failure === metadata.annotations?.[FAIL])

/** How a container's run ends. */
export interface Ending {
  exitCode: number
  reason: 'Completed' | 'Error' | 'OOMKilled'
}

export const endingOf = (exitCode: number): Ending => ({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' })

/** How a failure ends a running container, and after how many milliseconds. */
export const askedEnding = (failure: Failure | undefined): (Ending & { afterMs: number }) | undefined =>
  failure === 'crash-loop'
    ? { exitCode: 1, reason: 'Error', afterMs: 1000 }
    : failure === 'oom'
      ? { exitCode: 137, reason: 'OOMKilled', afterMs: 2000 }
      : undefined

/** The outcome that a failure forces on a container's probe; undefined when it does not affect it. */
export function askedOutcome(
  failure: Failure | undefined,
  kind: ProbeKind,
  container: Container,
  podIP: string,
): Outcome | undefined {
  const probe = failedProbe(failure, container)
  if (!probe || probe !== container[`${kind}Probe`]) return undefined
  const { httpGet, tcpSocket } = probe
  if (httpGet) return { ok: false, message: 'HTTP probe failed with statuscode: 503' }
  if (tcpSocket) {
    const where = `${tcpSocket.host ?? podIP}:${portOf(container, tcpSocket.port)}`
    return { ok: false, message: `dial tcp ${where}: connect: connection refused` }
  }
  return { ok: false, message: '' }
}

/** The probe that a failure affects. */
export const failedProbe = (failure: Failure | undefined, { readinessProbe, livenessProbe }: Container): Probe | undefined =>
  failure === 'probe' ? readinessProbe : failure === 'liveness' ? livenessProbe : undefined

/** The kubelet's message when the registry has no such image. */
export const missingImage = (name: string): string =>
  `rpc error: code = NotFound desc = failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${name}: not found`

/** A resource that a node is short of; quantities as the kubelet prints them. */
export interface Shortage {
  resource: 'memory' | 'ephemeral-storage'
  threshold: string
  available: string
}

/** The shortage reported by a requested eviction. */
export const SOME_SHORTAGE: Shortage = { resource: 'memory', threshold: '100Mi', available: '81264Ki' }

/** Why a pod is evicted. @param used the reported usage of each of its containers. Source: pkg/kubelet/eviction/helpers.go */
export function evictionMessage({ spec }: Pod, { resource, threshold, available }: Shortage, used: string): string {
  const blamed = spec.containers.map(({ name, resources }) => {
    const request = resources?.requests?.[resource] ?? '0'
    return `Container ${name} was using ${used}, request is ${request}, has larger consumption of ${resource}. `
  })
  return `The node was low on resource: ${resource}. Threshold quantity: ${threshold}, available: ${available}. ${blamed.join('')}`
}
