import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import { messageOf } from '../../../lib/runtime/errors.ts'
import {
  answering,
  BadRequest,
  decoded,
  destroyOnError,
  refuseUpgrade,
  statusOf,
  targetOf,
} from '../../../lib/runtime/serving.ts'
import { PROTOCOLS, serveExec } from './exec.ts'
import type { ContainerStatus, Pod } from './kubernetes.ts'
import { type LogOptions, logFile, readLog } from './log.ts'
import { FORWARD_PROTOCOLS, portsOf, SPDY, serveForward, serveSpdyForward } from './port-forward.ts'
import type { Running } from './running.ts'

export const KUBELET_PORT = 10250
/** RFC 6455, 7.4.1 */
const INTERNAL_ERROR = 1011

/** What the API server requests from a kubelet on a user's behalf. */
export interface Host {
  findPod(namespace: string, name: string): Pod | undefined
  /** A container's process; undefined when it has none. */
  findRunning(pod: Pod, container: string): Running | undefined
  /** Where a process of the pod may listen on a port; undefined when none does. */
  addressOf(pod: Pod, port: number): string | undefined
}

/**
 * The part of the kubelet's API for `kubectl logs`, `kubectl exec` and forwarded ports. Only the API server's client certificate is accepted.
 */
export function createKubelet(host: Host, pki: string): Server {
  const file = (name: string) => readFileSync(join(pki, name))
  const server = createServer({
    ...{ key: file('kubelet.key'), cert: file('kubelet.crt'), ca: file('ca.crt') },
    ...{ requestCert: true, rejectUnauthorized: true },
  })
  server.on(
    'request',
    answering(
      (request, response) => answer(host, request, response),
      (response, status, message) => response.writeHead(status, { 'content-type': 'text/plain' }).end(message),
    ),
  )
  const executions = socketsOf(PROTOCOLS)
  const forwards = socketsOf(FORWARD_PROTOCOLS)
  server.on('upgrade', (request, socket, head) => {
    destroyOnError(socket)
    try {
      authorize(request)
      const { path, query } = askedIn(request)
      const [verb, namespace = '', name = '', container = ''] = path
      if (verb === 'portForward') {
        const pod = findPod(host, namespace, name)
        const target = { sandbox: pod.metadata.uid, addressOf: (port: number) => host.addressOf(pod, port) }
        if (request.headers.upgrade?.toLowerCase() === SPDY.upgrade.toLowerCase()) {
          socket.write(switching(SPDY))
          return void serveSpdyForward(socket, head, target)
        }
        const ports = portsIn(query)
        requireWebSocket(request, 'or SPDY/3.1')
        return forwards.handleUpgrade(request, socket, head, connection =>
          served(connection, serveForward(connection, ports, target)),
        )
      }
      if (verb !== 'exec') throw new BadRequest(`the lab's kubelet has no ${verb}; see docs/lab.md`, 501)
      const running = host.findRunning(podOf(host, namespace, name, container), container)
      if (!running) {
        throw new BadRequest(`container "${container}" in pod "${name}" runs no program in the lab; see docs/lab.md`, 501)
      }
      requireWebSocket(request, 'kubectl 1.31 or later does')
      executions.handleUpgrade(request, socket, head, connection => served(connection, serveExec(connection, running, query)))
    } catch (error) {
      const [code, message] = [statusOf(error), messageOf(error)]
      // Kubectl shows the message of a Status; older versions show the body as it is.
      const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code })
      refuseUpgrade(socket, code, body, 'application/json')
    }
  })
  return server
}

/** Whatever goes wrong in what is served closes its connection. */
const served = (connection: WebSocket, serving: Promise<void>): void =>
  void serving.catch(error => connection.close(INTERNAL_ERROR, messageOf(error).slice(0, 120)))

const socketsOf = (protocols: readonly string[]): WebSocketServer =>
  new WebSocketServer({ noServer: true, handleProtocols: offered => protocols.find(one => offered.has(one)) ?? false })

const switching = ({ upgrade, protocol }: typeof SPDY): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`

function requireWebSocket({ headers }: IncomingMessage, who: string): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket') throw new BadRequest(`the lab's kubelet speaks WebSocket here: ${who}`)
}

function portsIn(query: URLSearchParams): number[] {
  try {
    return portsOf(query)
  } catch (error) {
    throw new BadRequest(messageOf(error))
  }
}

function askedIn(request: IncomingMessage): { path: string[]; query: URLSearchParams } {
  const { pathname, searchParams } = targetOf(request)
  return { path: pathname.split('/').slice(1).map(decoded), query: searchParams }
}

function authorize({ socket }: IncomingMessage): void {
  const { O: organization } = (socket as TLSSocket).getPeerCertificate().subject ?? {}
  if (organization !== 'system:masters') throw new BadRequest('Forbidden', 403)
}

function findPod(host: Host, namespace: string, name: string): Pod {
  const pod = host.findPod(namespace, name)
  if (!pod) throw new BadRequest(`pod "${name}" does not exist`, 404)
  return pod
}

function podOf(host: Host, namespace: string, name: string, container: string): Pod {
  const pod = findPod(host, namespace, name)
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec
  if (![...initContainers, ...containers, ...ephemeralContainers].some(candidate => candidate.name === container)) {
    throw new BadRequest(`container "${container}" not found in pod "${name}"`, 404)
  }
  return pod
}

async function answer(host: Host, request: IncomingMessage, response: ServerResponse): Promise<void> {
  authorize(request)
  const { path, query } = askedIn(request)
  const [verb, namespace = '', name = '', container = ''] = path
  if (verb === 'healthz') return void response.end('ok')
  if (verb !== 'containerLogs')
    throw new BadRequest(`the lab's kubelet has no ${verb}; see docs/lab.md`, verb === 'exec' ? 400 : 501)
  const pod = podOf(host, namespace, name, container)
  const run = runOf(pod, container, query.get('previous') === 'true')
  const isOver = () => {
    const status = host.findPod(namespace, name)?.status
    const current = statusesIn(status).find(({ name }) => name === container)
    return !current?.state.running || current.restartCount !== run || response.destroyed
  }
  response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  for await (const text of readLog(logFile(pod, container, run), logOptions(query), isOver)) {
    if (!response.write(text)) await new Promise(resolve => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

const statusesIn = (status: Pod['status'] = {}): ContainerStatus[] => [
  ...(status.containerStatuses ?? []),
  ...(status.initContainerStatuses ?? []),
  ...(status.ephemeralContainerStatuses ?? []),
]

/** The run of the container whose log is requested. Source: pkg/kubelet/kubelet_pods.go, validateContainerLogStatus. */
function runOf({ metadata, status }: Pod, container: string, previous: boolean): number {
  const found = statusesIn(status).find(({ name }) => name === container)
  const where = `container "${container}" in pod "${metadata.name}"`
  if (!found) throw new BadRequest(`${where} is not available`)
  const { state, lastState, restartCount } = found
  // During a back-off the restart count is still that of the run that has ended.
  const earlier = state.waiting?.reason === 'CrashLoopBackOff' ? restartCount : restartCount - 1
  if (previous) {
    if (lastState.terminated?.containerID) return earlier
    throw new BadRequest(`previous terminated ${where} not found`)
  }
  if (state.running || state.terminated?.containerID) return restartCount
  if (lastState.terminated?.containerID) return earlier
  const reasons: Record<string, string> = {
    ErrImagePull: "image can't be pulled",
    ImagePullBackOff: 'trying and failing to pull image',
  }
  const reason = state.waiting?.reason ?? ''
  throw new BadRequest(`${where} is waiting to start: ${reasons[reason] ?? reason}`)
}

function logOptions(query: URLSearchParams): LogOptions {
  const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined)
  const seconds = number('sinceSeconds')
  const since = query.get('sinceTime') ?? (seconds === undefined ? undefined : Date.now() - seconds * 1000)
  const stream = query.get('stream')?.toLowerCase()
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    ...(since === undefined ? {} : { sinceTime: new Date(since) }),
    ...(stream === 'stdout' || stream === 'stderr' ? { stream } : {}),
  }
}
