import { spawn } from 'node:child_process'
import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, Probe } from './kubernetes.ts'
import type { Running } from './running.ts'

export type ProbeKind = 'startup' | 'readiness' | 'liveness'

/** The outcome of one probe; `message` is what the kubelet's event says about a failure. */
export type Outcome = { ok: true } | { ok: false; message: string }

/** Equal outcomes in a row. */
export interface Streak {
  ok: boolean
  length: number
}

/**
 * Adds an outcome to the streak. `settled` is whether the streak is long enough to change the container's state. Source:
 * pkg/kubelet/prober/worker.go, doProbe.
 */
export function tally(
  { successThreshold, failureThreshold }: Pick<Probe, 'successThreshold' | 'failureThreshold'>,
  streak: Streak | undefined,
  ok: boolean,
): { streak: Streak; settled: boolean } {
  const length = streak?.ok === ok ? streak.length + 1 : 1
  return { streak: { ok, length }, settled: length >= (ok ? successThreshold : failureThreshold) }
}

export interface Target {
  container: Container
  podIP: string
  running: Running | undefined
}

export interface Observer {
  /** Called for each failure, whether or not it reaches the threshold. */
  failed(kind: ProbeKind, message: string): void
  started(): void
  ready(value: boolean): void
  /** Called when the container is to be restarted. */
  condemned(kind: 'startup' | 'liveness'): void
  /** An outcome that a fault dictates. */
  override(kind: ProbeKind): Outcome | undefined
}

/**
 * Probes a container that has just been started, until the signal aborts: first its startup, then readiness and liveness in
 * parallel. Without a probe it counts as started and ready.
 */
export async function watchProbes(target: Target, observer: Observer, signal: AbortSignal): Promise<void> {
  const { startupProbe, readinessProbe, livenessProbe } = target.container
  const startedAt = performance.now()
  const run = async (kind: ProbeKind, probe: Probe, settled: (ok: boolean) => 'go on' | 'stop') => {
    let streak: Streak | undefined
    for (; !signal.aborted; await sleep(probe.periodSeconds * 1000, undefined, { signal })) {
      if (performance.now() - startedAt < (probe.initialDelaySeconds ?? 0) * 1000) continue
      const outcome = observer.override(kind) ?? (await perform(probe, target))
      if (signal.aborted) return
      if (!outcome.ok) observer.failed(kind, outcome.message)
      const tallied = tally(probe, streak, outcome.ok)
      streak = tallied.streak
      if (tallied.settled && settled(outcome.ok) === 'stop') return
    }
  }
  const judge = (kind: 'startup' | 'liveness') => (ok: boolean) => {
    if (!ok) observer.condemned(kind)
    return ok && kind === 'liveness' ? 'go on' : 'stop'
  }
  let startFailed = false
  if (startupProbe) {
    await run('startup', startupProbe, ok => {
      startFailed = !ok
      return judge('startup')(ok)
    })
  }
  if (startFailed || signal.aborted) return
  observer.started()
  if (!readinessProbe) observer.ready(true)
  await Promise.all([
    readinessProbe &&
      run('readiness', readinessProbe, ok => {
        observer.ready(ok)
        return 'go on'
      }),
    livenessProbe && run('liveness', livenessProbe, judge('liveness')),
  ])
}

/** Probes once. */
export async function perform(probe: Probe, target: Target): Promise<Outcome> {
  if (probe.exec) return await probeByCommand(probe.exec.command, target.running, probe.timeoutSeconds)
  if (probe.httpGet) return await probeByHttp(probe.httpGet, target, probe.timeoutSeconds)
  if (probe.tcpSocket) {
    const { host = target.podIP, port } = probe.tcpSocket
    return await probeByTcp(host, portOf(target.container, port), probe.timeoutSeconds)
  }
  return { ok: false, message: 'the lab has no such probe' }
}

/** A port given by its number or by its name in the container. */
export const portOf = ({ ports = [] }: Container, port: number | string): number =>
  Number(ports.find(({ name }) => name === port)?.containerPort ?? port)

const failure = (message: string): Outcome => ({ ok: false, message })

async function probeByCommand(command: readonly string[], running: Running | undefined, seconds: number): Promise<Outcome> {
  if (!running) return failure('container not running')
  const { command: program, args, environment } = running.inside(command)
  return await new Promise(resolve => {
    const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let late = false
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', chunk => {
        output = (output + chunk).slice(0, 10 * 1024)
      })
    }
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, seconds * 1000)
    child.once('error', error => resolve(failure(error.message)))
    child.once('close', code => {
      clearTimeout(timer)
      if (late) resolve(failure(`command timed out: "${command.join(' ')}" timed out after ${seconds}s`))
      else resolve(code === 0 ? { ok: true } : failure(output))
    })
  })
}

function probeByTcp(host: string, port: number, seconds: number): Promise<Outcome> {
  return new Promise(resolve => {
    const socket = createConnection({ host, port, timeout: seconds * 1000 })
    const end = (outcome: Outcome) => {
      socket.destroy()
      resolve(outcome)
    }
    socket.once('connect', () => end({ ok: true }))
    socket.once('timeout', () => end(failure(`dial tcp ${host}:${port}: i/o timeout`)))
    socket.once('error', error => end(failure(dialFailure(host, port, error))))
  })
}

async function probeByHttp(
  { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  { container, podIP }: Target,
  seconds: number,
): Promise<Outcome> {
  const [name, number] = [host ?? podIP, portOf(container, port)]
  const url = `${scheme.toLowerCase()}://${name}:${number}${path.startsWith('/') ? '' : '/'}${path}`
  const headers = Object.fromEntries(httpHeaders.map(({ name: header, value }) => [header, value]))
  const secure = scheme === 'HTTPS'
  try {
    const { statusCode = 0 } = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        agent: false,
        headers: { 'user-agent': 'kube-probe/1.34', accept: '*/*', ...headers },
        signal: AbortSignal.timeout(seconds * 1000),
      } as const
      const answered = (response: IncomingMessage) => resolve(response.resume())
      // Like the kubelet, this does not verify the container's certificate.
      const call = secure
        ? secureRequest(url, { ...options, rejectUnauthorized: false }, answered)
        : request(url, options, answered)
      call.once('error', reject).end()
    })
    return statusCode >= 200 && statusCode < 400 ? { ok: true } : failure(`HTTP probe failed with statuscode: ${statusCode}`)
  } catch (error) {
    const late = (error as Error).name === 'AbortError'
    const reason = late
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : dialFailure(name, number, error as Error)
    return failure(`Get "${url}": ${reason}`)
  }
}

/** A failed connection in Go's words. */
function dialFailure(host: string, port: number, error: Error): string {
  const reasons: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ECONNRESET: 'read: connection reset by peer',
  }
  const { code = '', message } = error as NodeJS.ErrnoException
  return `dial tcp ${host}:${port}: ${reasons[code] ?? message}`
}
