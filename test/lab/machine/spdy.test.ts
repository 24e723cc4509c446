// needs: kubectl
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { serveSpdyForward } from '../../../lab/machine/node-agent/port-forward.ts'
import { dictionary } from '../../../lab/machine/node-agent/spdy.ts'

const TUNNELLED = 'SPDY/3.1+portforward.k8s.io'

const words = suite('the dictionary')
words('is that of SPDY/3', () => {
  assert.is(dictionary.length, 1423)
  assert.is(
    createHash('sha256').update(dictionary).digest('hex'),
    '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02',
  )
})
words.run()

const strangers = suite('what is not SPDY')
const frame = (type: number, body: Buffer) => {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(0x8003_0000 + type)
  header.writeUInt32BE(body.length, 4)
  return Buffer.concat([header, body])
}
for (const [why, said] of [
  ['headers that can not be inflated', frame(1, Buffer.alloc(40, 'x'))],
  ['headers of a stream that has none', frame(1, Buffer.alloc(4))],
  ['an unknown kind of frame, and the end of the connection', frame(99, Buffer.alloc(1))],
  ['data of an unknown stream, and half a frame', Buffer.from([0, 0, 0, 7, 0, 0, 0, 1, 65, 0, 0])],
] as const) {
  strangers(`${why}: the connection ends, and nothing else`, async () => {
    const server = createTcpServer(socket => {
      void serveSpdyForward(socket, Buffer.alloc(0), { sandbox: 'a-uid', addressOf: () => undefined })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await text(client.end(said)).catch(() => '')
    server.close()
  })
}
strangers.run()

interface Context {
  api: Server
  pod: TcpServer
  kubectl: ChildProcess
  port: number
  said: string
}

/** kubectl's own port-forward: its API server takes SPDY out of the WebSocket, as the real one does for the kubelet. */
const forwards = suite<Context>('kubectl port-forward')
forwards.before(async context => {
  const pod = createTcpServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined)
    const heard: Buffer[] = []
    socket.on('data', data => heard.push(data))
    socket.on('end', () => socket.end(Buffer.concat(heard)))
  })
  await once(pod.listen(0, '127.0.0.1'), 'listening')
  const { port: podPort } = pod.address() as AddressInfo
  // Its slash is none of HTTP's characters: `ws` would refuse it.
  const sockets = new WebSocketServer({ noServer: true }).on('headers', headers =>
    headers.push(`Sec-WebSocket-Protocol: ${TUNNELLED}`),
  )
  const spec = { containers: [{ name: 'app', image: 'app', ports: [{ containerPort: podPort }] }] }
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'a', namespace: 'threads' },
    spec,
    status: { phase: 'Running' },
  }
  const pods = { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'] }
  const answers: Record<string, object> = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [pods] },
    '/api/v1/namespaces/threads/pods/a': object,
  }
  const api = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    const found = answers[request.url?.replace(/\?.*$/, '') ?? '']
    response.writeHead(found ? 200 : 404).end(JSON.stringify(found ?? { kind: 'Status', status: 'Failure', code: 404 }))
  }).on('upgrade', (request, socket, head) => {
    assert.is(request.headers['sec-websocket-protocol'], TUNNELLED)
    delete request.headers['sec-websocket-protocol']
    sockets.handleUpgrade(request, socket, head, connection => {
      const target = { sandbox: 'a-uid', addressOf: (port: number) => (port === 1 ? undefined : '127.0.0.1') }
      void serveSpdyForward(createWebSocketStream(connection), Buffer.alloc(0), target)
    })
  })
  await once(api.listen(0, '127.0.0.1'), 'listening')
  const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const kubectl = spawn('kubectl', ['--server', server, '-n', 'threads', 'port-forward', 'pod/a', `:${podPort}`, ':1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: '/dev/null' },
  })
  Object.assign(context, { api, pod, kubectl, said: '' })
  for (const stream of [kubectl.stdout, kubectl.stderr]) stream.on('data', data => (context.said += data))
  const local = new RegExp(`127.0.0.1:(\\d+) -> ${podPort}`)
  const until = Date.now() + 20_000
  while (!local.test(context.said) || !/-> 1\n/.test(context.said)) {
    assert.ok(Date.now() < until && kubectl.exitCode === null, context.said)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  context.port = Number(local.exec(context.said)?.[1])
})
forwards.after(({ api, pod, kubectl }) => {
  kubectl.kill()
  api.closeAllConnections()
  api.close()
  pod.close()
})

const echoed = async (port: number, said: string) => text(connect({ port, host: '127.0.0.1', allowHalfOpen: true }).end(said))

forwards('what is said comes back, and each end is passed on', async ({ port }) => {
  assert.is(await echoed(port, 'hello'), 'hello')
})
forwards('all of what is long, several times at once', async ({ port }) => {
  const long = 'x'.repeat(2_000_000)
  const heard = await Promise.all([echoed(port, long), echoed(port, 'short'), echoed(port, long)])
  assert.equal(
    heard.map(({ length }) => length),
    [long.length, 5, long.length],
  )
})
forwards('a refused port is said in the kubelet’s words', async context => {
  const refused = Number(/127.0.0.1:(\d+) -> 1\n/.exec(context.said)?.[1])
  await echoed(refused, 'hello').catch(() => '')
  const until = Date.now() + 10_000
  while (!/connect: connection refused/.test(context.said)) {
    assert.ok(Date.now() < until, context.said)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  assert.match(context.said, 'error forwarding port 1 to pod a-uid')
})
forwards.run()
