import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig, PortForward } from '@kubernetes/client-node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type WebSocket, WebSocketServer } from 'ws'
import { FORWARD_PROTOCOLS, portsOf, serveForward } from '../../../lab/machine/node-agent/port-forward.ts'
import { freePort } from '../../unit/support/server.ts'

const ports = suite('the ports of a request')
for (const [query, expected] of [
  ['port=80', [80]],
  ['port=80,81&port=65535', [80, 81, 65535]],
  ['', /query parameter "port" is required/],
  ['port=', /query parameter "port" cannot be empty/],
  ['port=0', /port "0" must be > 0/],
  ['port=65536', /unable to parse "65536" as a port/],
  ['port=80,http', /unable to parse "80,http" as a port/],
  ['port=-1', /unable to parse/],
  ['port=80,', /unable to parse/],
] as [string, number[] | RegExp][]) {
  ports(query || 'none', () => {
    const asked = () => portsOf(new URLSearchParams(query))
    if (Array.isArray(expected)) assert.equal(asked(), expected)
    else assert.throws(asked, expected)
  })
}
ports.run()

interface Context {
  kubelet: Server
  pod: TcpServer
  port: number
  forward: PortForward
}

/** client-node's own port-forward against the kubelet's: what its API calls `ports` the kubelet calls `port`. */
const forwards = suite<Context>('a port of a pod')
forwards.before(async context => {
  const pod = createTcpServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', data => {
      if (String(data) === 'big') return socket.end(Buffer.alloc(3_000_000, 'x'))
      socket.write(data)
      if (String(data) === 'bye') socket.end()
    })
  })
  await once(pod.listen(0, '127.0.0.1'), 'listening')
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: offered => FORWARD_PROTOCOLS.find(one => offered.has(one)) ?? false,
  })
  const kubelet = createServer().on('upgrade', (request, socket, head) => {
    const asked = portsOf(new URLSearchParams(request.url?.replace(/^.*\?ports=/, 'port=')))
    const target = { sandbox: 'a-uid', addressOf: (port: number) => (port === 1 ? undefined : '127.0.0.1') }
    sockets.handleUpgrade(request, socket, head, connection => void serveForward(connection, asked, target))
  })
  await once(kubelet.listen(0, '127.0.0.1'), 'listening')
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${(kubelet.address() as AddressInfo).port}`, skipTLSVerify: true }],
    contexts: [{ name: 'c', cluster: 'c', user: 'u' }],
    users: [{ name: 'u' }],
    currentContext: 'c',
  })
  Object.assign(context, { kubelet, pod, port: (pod.address() as AddressInfo).port, forward: new PortForward(config) })
})
forwards.after(({ kubelet, pod }) => {
  kubelet.closeAllConnections()
  kubelet.close()
  pod.close()
})

async function forwarded({ forward }: Context, port: number, said: string) {
  const [output, error, input] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const heard = { output: '', error: '' }
  output.on('data', data => (heard.output += data))
  error.on('data', data => (heard.error += data))
  const socket = (await forward.portForward('threads', 'a-pod', [port], output, error, input)) as unknown as WebSocket
  const closed = new Promise<void>(resolve => socket.addEventListener('close', () => resolve()))
  if (said) input.write(said)
  return { heard, closed, socket }
}

forwards('what is said arrives, and what is answered; its end ends the request', async context => {
  const { heard, closed } = await forwarded(context, context.port, 'bye')
  await closed
  assert.equal(heard, { output: 'bye', error: '' })
})
forwards('all of a long answer arrives', async context => {
  const { heard, closed } = await forwarded(context, context.port, 'big')
  await closed
  assert.is(heard.output.length, 3_000_000)
})
for (const [why, port] of [
  ['nothing listens on it', freePort],
  ['the pod has no process', async () => 1],
] as const) {
  forwards(`${why}: the error channel says so`, async context => {
    const refused = await port()
    const { heard, closed } = await forwarded(context, refused, '')
    await closed
    assert.is(heard.output, '')
    assert.match(
      heard.error,
      `error forwarding port ${refused} to pod a-uid, uid : failed to execute portforward in network namespace`,
    )
    assert.match(heard.error, `dial tcp4 127.0.0.1:${refused}: connect: connection refused`)
  })
}
forwards('what is said with the request waits until the pod is connected', async ({ kubelet, port }) => {
  const socket = connect((kubelet.address() as AddressInfo).port, '127.0.0.1')
  const request = [
    `GET /?ports=${port} HTTP/1.1`,
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${FORWARD_PROTOCOLS[0]}`,
  ]
  // A whole binary message of four bytes, masked with zeros. RFC 6455, 5.2
  const message = Buffer.from('\x82\x84\0\0\0\0\0bye', 'latin1')
  socket.write(Buffer.concat([Buffer.from(`${request.join('\r\n')}\r\n\r\n`), message]))
  setTimeout(() => socket.destroy(), 5000).unref()
  let heard = ''
  for await (const data of socket) {
    heard += data
    if (heard.includes('bye')) break
  }
  assert.match(heard, 'bye')
})
forwards('a client that leaves takes the connection in the pod with it', async context => {
  const { heard, socket } = await forwarded(context, context.port, 'stay')
  while (heard.output !== 'stay') await sleep(10)
  const connections = () => new Promise<number>(resolve => context.pod.getConnections((_error, count) => resolve(count)))
  assert.is(await connections(), 1)
  socket.close()
  const until = Date.now() + 5000
  while ((await connections()) > 0) {
    assert.ok(Date.now() < until)
    await sleep(10)
  }
})
forwards.run()
