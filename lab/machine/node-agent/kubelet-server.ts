import { readFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { PROTOCOLS, serveExec } from './exec.ts'
import type { ContainerStatus, Pod } from './kubernetes.ts'
import { type LogOptions, logFile, readLog } from './log.ts'
import { FORWARD_PROTOCOLS, portsOf, SPDY, serveForward, serveSpdyForward } from './port-forward.ts'
import type { Running } from './running.ts'

export const KUBELET_PORT = 10250

/** What the API server requests from a kubelet on a user's behalf. */
export interface Host {
  findPod(namespace: string, name: string): Pod | undefined
  /** A container's process; undefined when it has none. */
  findRunning(pod: Pod, container: string): Running | undefined
  /** Where a process of the pod may listen on a port; undefined when none does. */
  addressOf(pod: Pod, port: number): string | undefined
}

/** An error response. */
class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * The part of the kubelet's API for `kubectl logs`, `kubectl exec` and forwarded ports. Only the API server's client certificate is accepted.
 */
export function serveKubelet(host: Host, { address, pki }: { address: string; pki: string }): Server {
  const file = (name: string) => readFileSync(join(pki, name))
  const server = createServer({
    ...{ key: file('kubelet.key'), cert: file('kubelet.crt'), ca: file('ca.crt') },
    ...{ requestCert: true, rejectUnauthorized: true },
  })
  server.on('request', (request, response) => {
    answer(host, request, response).catch((error: Error) => {
      if (response.headersSent) return response.destroy()
      response.writeHead(error instanceof Refusal ? error.status : 500, { 'content-type': 'text/plain' })
      response.end(error.message)
    })
  })
  const executions = socketsOf(PROTOCOLS)
  const forwards = socketsOf(FORWARD_PROTOCOLS)
  server.on('upgrade', (request, socket, head) => {
    try {
      authorize(request)
      const { path, query } = targetOf(request)
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
        return forwards.handleUpgrade(request, socket, head, connection => void serveForward(connection, ports, target))
      }
      if (verb !== 'exec') throw new Refusal(501, `the lab's kubelet has no ${verb}; see docs/lab.md`)
      const running = host.findRunning(podOf(host, namespace, name, container), container)
      if (!running) {
        throw new Refusal(501, `container "${container}" in pod "${name}" runs no program in the lab; see docs/lab.md`)
      }
      requireWebSocket(request, 'kubectl 1.31 or later does')
      executions.handleUpgrade(request, socket, head, connection => serveExec(connection, running, query))
    } catch (error) {
      const { status: code = 500, message } = error as Refusal
      // Kubectl shows the message of a Status; older versions show the body as it is.
      const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code })
      const headers = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
      socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${headers.join('\r\n')}\r\n\r\n${body}`)
    }
  })
  return server.listen(KUBELET_PORT, address)
}

const socketsOf = (protocols: readonly string[]): WebSocketServer =>
  new WebSocketServer({ noServer: true, handleProtocols: offered => protocols.find(one => offered.has(one)) ?? false })

const switching = ({ upgrade, protocol }: typeof SPDY): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`

function requireWebSocket({ headers }: IncomingMessage, who: string): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket') throw new Refusal(400, `the lab's kubelet speaks WebSocket here: ${who}`)
}

function portsIn(query: URLSearchParams): number[] {
  try {
    return portsOf(query)
  } catch (error) {
    throw new Refusal(400, (error as Error).message)
  }
}

const targetOf = ({ url = '/' }: IncomingMessage): { path: string[]; query: URLSearchParams } => {
  const { pathname, searchParams } = new URL(url, 'https://kubelet')
  return { path: pathname.split('/').slice(1).map(decodeURIComponent), query: searchParams }
}

function authorize({ socket }: IncomingMessage): void {
  const { O: organization } = (socket as TLSSocket).getPeerCertificate().subject ?? {}
  if (organization !== 'system:masters') throw new Refusal(403, 'Forbidden')
}

function findPod(host: Host, namespace: string, name: string): Pod {
  const pod = host.findPod(namespace, name)
  if (!pod) throw new Refusal(404, `pod "${name}" does not exist`)
  return pod
}

function podOf(host: Host, namespace: string, name: string, container: string): Pod {
  const pod = findPod(host, namespace, name)
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec
  if (![...initContainers, ...containers, ...ephemeralContainers].some(candidate => candidate.name === container)) {
    throw new Refusal(404, `container "${container}" not found in pod "${name}"`)
  }
  return pod
}

async function answer(host: Host, request: IncomingMessage, response: ServerResponse): Promise<void> {
  authorize(request)
  const { path, query } = targetOf(request)
  const [verb, namespace = '', name = '', container = ''] = path
  if (verb === 'healthz') return void response.end('ok')
  if (verb !== 'containerLogs')
    throw new Refusal(verb === 'exec' ? 400 : 501, `the lab's kubelet has no ${verb}; see docs/lab.md`)
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
  if (!found) throw new Refusal(400, `${where} is not available`)
  const { state, lastState, restartCount } = found
  // During a back-off the restart count is still that of the run that has ended.
  const earlier = state.waiting?.reason === 'CrashLoopBackOff' ? restartCount : restartCount - 1
  if (previous) {
    if (lastState.terminated?.containerID) return earlier
    throw new Refusal(400, `previous terminated ${where} not found`)
  }
  if (state.running || state.terminated?.containerID) return restartCount
  if (lastState.terminated?.containerID) return earlier
  const reasons: Record<string, string> = {
    ErrImagePull: "image can't be pulled",
    ImagePullBackOff: 'trying and failing to pull image',
  }
  const reason = state.waiting?.reason ?? ''
  throw new Refusal(400, `${where} is waiting to start: ${reasons[reason] ?? reason}`)
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
