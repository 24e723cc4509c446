import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketServer } from 'ws'
import { portsOf, serveForward } from '../../../lab/machine/node-agent/port-forward.ts'
import { dialPod } from '../../../lib/cluster/port-forward.ts'
import { ApiError, createRest } from '../../../lib/cluster/rest.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { freePort } from '../support/server.ts'

/** An API server that forwards to this machine, as the lab's kubelet does; pods called `gone` it does not know. */
async function startForwarding() {
  const asked: string[] = []
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: offered => [...offered][0] ?? false })
  const server = createServer().on('upgrade', (request, socket, head) => {
    asked.push(request.url ?? '')
    if (request.url?.includes('/gone/')) {
      const body = JSON.stringify({ kind: 'Status', message: 'pods "gone" not found' })
      return socket.end(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
    }
    const ports = portsOf(new URLSearchParams(request.url?.replace(/^.*\?ports=/, 'port=')))
    const target = { sandbox: 'uid', addressOf: () => '127.0.0.1' }
    sockets.handleUpgrade(request, socket, head, connection => void serveForward(connection, ports, target))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const rest = createRest({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    options: async () => ({ headers: { authorization: 'Bearer a-token' } }),
  })
  return {
    asked,
    dial: (port: number, { pod = 'nextjs-1', signal }: { pod?: string; signal?: AbortSignal } = {}) =>
      dialPod(rest, { namespace: 'threads', pod, port }, signal),
    close() {
      rest.close()
      for (const client of sockets.clients) client.terminate()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A pod's program on a port of loopback, for as long as `work` takes. */
async function withProgram(serve: (socket: Socket) => void, work: (port: number) => Promise<void>): Promise<void> {
  const server = createTcpServer(socket => serve(socket.on('error', () => undefined)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await work((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}
const failure = (stream: Duplex) => once(stream, 'error').then(([error]) => error as OpsError)

const forwards = suite<{ api: Awaited<ReturnType<typeof startForwarding>> }>('dialPod')
forwards.before(async context => {
  context.api = await startForwarding()
})
forwards.after(({ api }) => api.close())

forwards('a question and its answer, and the end of the pod’s side', async ({ api }) =>
  withProgram(
    socket => socket.once('data', data => socket.end(`answer to ${data}`)),
    async port => {
      const stream = await api.dial(port)
      stream.write('a question')
      assert.is(await text(stream), 'answer to a question')
      assert.is(api.asked.at(-1), `/api/v1/namespaces/threads/pods/nextjs-1/portforward?ports=${port}`)
    },
  ),
)
forwards('whoever has ended still gets an answer that is slow', async ({ api }) =>
  withProgram(
    socket => socket.once('data', () => setTimeout(() => socket.end('late'), 400)),
    async port => {
      const stream = await api.dial(port)
      stream.end('a question')
      assert.is(await text(stream), 'late')
    },
  ),
)
forwards('whoever has ended leaves no connection behind in a pod that stays silent', async ({ api }) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  await withProgram(
    socket => socket.resume().once('close', () => resolve()),
    async port => {
      const stream = await api.dial(port)
      stream.resume().end('bye')
      await closed
    },
  )
})
forwards('a slow reader holds the pod up, and loses nothing', async ({ api }) => {
  const LENGTH = 20_000_000
  let written = 0
  await withProgram(
    async socket => {
      for (let left = LENGTH; left > 0; left -= 100_000) {
        if (!socket.write(Buffer.alloc(100_000, 'x'))) await once(socket, 'drain')
        written += 100_000
      }
      socket.end()
    },
    async port => {
      const stream = await api.dial(port)
      await new Promise(resolve => setTimeout(resolve, 500))
      assert.ok(written < LENGTH, `${written} bytes were taken from the pod`)
      assert.is((await text(stream)).length, LENGTH)
    },
  )
})
forwards('a refused port is an error in the kubelet’s words', async ({ api }) => {
  const port = await freePort()
  const { code, message } = await failure((await api.dial(port)).resume())
  assert.is(code, 5)
  assert.match(message, `port ${port} of threads/Pod/nextjs-1: error forwarding port ${port}`)
  assert.match(message, 'connection refused')
})
forwards('a pod that is gone: the API server’s answer', async ({ api }) => {
  const error = await api.dial(80, { pod: 'gone' }).catch((error: ApiError) => error)
  assert.ok(error instanceof ApiError)
  assert.is(error.status, 404)
  assert.match(error.message, 'pods "gone" not found')
})
forwards('nobody listens: 5; interrupted: 130', async ({ api }) => {
  const away = createRest({ server: `http://127.0.0.1:${await freePort()}`, options: async () => ({}) })
  const refused = await dialPod(away, { namespace: 'n', pod: 'p', port: 1 }).catch((error: OpsError) => error)
  assert.is((refused as OpsError).code, 5)
  const interrupted = await api.dial(1, { signal: AbortSignal.abort() }).catch((error: OpsError) => error)
  assert.is((interrupted as OpsError).code, 130)
})
forwards.run()
