import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type WebSocket, WebSocketServer } from 'ws'
import { PROTOCOLS, serveExec } from '../../../lab/machine/node-agent/exec.ts'
import { execInPod } from '../../../lib/cluster/exec.ts'
import { createRest } from '../../../lib/cluster/rest.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'

/** Programs of this machine in place of a container's, as the lab's kubelet runs them. */
const running = {
  inside: ([command = '', ...args]: readonly string[]) => ({
    command,
    args,
    environment: process.env as Record<string, string>,
  }),
}

/** An API server whose pods run `serve`, for as long as `work` takes. */
async function withPods(
  work: (exec: (command: string[], signal?: AbortSignal) => ReturnType<typeof execInPod>, asked: string[]) => Promise<void>,
  serve: (connection: WebSocket, query: URLSearchParams) => void = (connection, query) => {
    query.set('input', '1')
    void serveExec(connection, running as never, query)
  },
): Promise<void> {
  const asked: string[] = []
  const handleProtocols = (offered: Set<string>) => PROTOCOLS.find(one => offered.has(one)) ?? false
  const sockets = new WebSocketServer({ noServer: true, handleProtocols })
  const server = createServer().on('upgrade', (request, socket, head) => {
    asked.push(request.url ?? '')
    const query = new URL(request.url ?? '', 'http://localhost').searchParams
    sockets.handleUpgrade(request, socket, head, connection => serve(connection, query))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const rest = createRest({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, options: async () => ({}) })
  try {
    await work(
      (command, signal) => execInPod(rest, { namespace: 'threads', pod: 'postgres-1', container: 'postgres', command }, signal),
      asked,
    )
  } finally {
    rest.close()
    for (const client of sockets.clients) client.terminate()
    server.close()
    server.closeAllConnections()
  }
}

const failureOf = (promise: Promise<unknown>): Promise<OpsError> =>
  promise.then(
    () => assert.unreachable('it should fail') as never,
    error => error,
  )

const exec = suite('execInPod')
exec('input, output and the end of both', () =>
  withPods(async (run, asked) => {
    const stream = await run(['tr', 'a-z', 'A-Z'])
    stream.end('a question')
    assert.is(await text(stream), 'A QUESTION')
    const path = '/api/v1/namespaces/threads/pods/postgres-1/exec'
    assert.is(asked[0], `${path}?container=postgres&stdin=true&stdout=true&stderr=true&command=tr&command=a-z&command=A-Z`)
  }),
)
exec('a word is one argument, whatever is in it', () =>
  withPods(async run => assert.is(await text((await run(['printf', '%s|', 'a b', '$(c)', '&d=é'])).end()), 'a b|$(c)|&d=é|')),
)
for (const [why, script, message] of [
  [
    'the exit code and the last words',
    'echo output; echo why >&2; exit 3',
    /^sh in threads\/Pod\/postgres-1: ended with exit code 3: why$/,
  ],
  ['killed', 'kill -9 $$', /exit code 137$/],
] as const)
  exec(`a program that fails fails the stream: ${why}`, () =>
    withPods(async run => {
      const error = await failureOf(text((await run(['sh', '-c', script])).end()))
      assert.is(error.code, 5)
      assert.match(error.message, message)
    }),
  )
exec('of many words, the last ones are kept', () =>
  withPods(async run => {
    const error = await failureOf(text((await run(['sh', '-c', 'seq 100000 >&2; exit 1'])).end()))
    assert.match(error.message, /100000$/)
    assert.ok(error.message.length < 5000)
  }),
)
for (const [why, last, message] of [
  ['without a status', (connection: WebSocket) => connection.close(1000), 'the connection was lost before it ended'],
  ['cut', (connection: WebSocket) => connection.terminate(), 'the connection was lost before it ended'],
  [
    'with a status that is no exit code',
    (connection: WebSocket) => {
      connection.send(Buffer.from('\x03{"status":"Failure","message":"container not found"}'))
      connection.close(1000)
    },
    'container not found',
  ],
  [
    'with a status that is not JSON',
    (connection: WebSocket) => {
      connection.send(Buffer.from('\x03oops'))
      connection.close(1000)
    },
    'oops',
  ],
] as const)
  exec(`a connection that ends ${why} fails the stream, and never ends it`, () =>
    withPods(
      async run => {
        const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
        const error = await failureOf(pipeline(await run(['pg_dump']), sink))
        assert.is(error.code, 5)
        assert.match(error.message, message)
      },
      connection => {
        connection.send(Buffer.from('\x01half of it'), () => last(connection))
      },
    ),
  )
exec('a slow reader holds the program up, and loses nothing', () =>
  withPods(
    async run => {
      const stream = await run(['pg_dump'])
      await once(stream, 'readable')
      for (let before = -1; before !== sent; await sleep(500)) before = sent
      assert.ok(sent < LENGTH, `${sent} bytes were taken from the program`)
      assert.is((await buffer(stream)).length, LENGTH)
    },
    async connection => {
      sent = 0
      const chunk = Buffer.alloc(100_001, '\x01')
      for (; sent < LENGTH; sent += 100_000) await new Promise(resolve => connection.send(chunk, resolve))
      connection.send(Buffer.from('\x03{"status":"Success"}'))
      connection.close(1000)
    },
  ),
)
const LENGTH = 30_000_000
let sent = 0
exec('a slow program holds whoever writes up', () => {
  let taken = 0
  return withPods(
    async run => {
      const stream = await run(['pg_restore'])
      const source = Readable.from(
        (function* () {
          for (; taken < LENGTH; taken += 100_000) yield Buffer.alloc(100_000)
        })(),
      )
      const writing = pipeline(source, stream, { end: true }).catch(() => undefined)
      await sleep(500)
      assert.ok(taken < LENGTH, `${taken} bytes were written to a program that reads none`)
      stream.destroy()
      await writing
    },
    connection => connection.pause(),
  )
})
exec('a program that ends before its input does: its own reason', () =>
  withPods(async run => {
    const stream = await run(['sh', '-c', 'echo bad archive >&2; exit 1'])
    const source = Readable.from(
      (function* () {
        for (let number = 0; number < 300; number++) yield Buffer.alloc(100_000)
      })(),
    )
    const error = await failureOf(Promise.all([pipeline(source, stream), text(stream)]))
    assert.match(error.message, 'exit code 1: bad archive')
  }),
)
exec('interrupted: the stream ends', () =>
  withPods(async run => {
    const stop = new AbortController()
    const reading = text((await run(['sleep', '60'], stop.signal)).end())
    stop.abort()
    assert.is((await failureOf(reading)).name, 'AbortError')
  }),
)
exec.run()
