import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError, createRest, type RestRequest } from '../../../lib/cluster/rest.ts'
import { type Answer, type ApiServer, startApiServer } from '../support/api-server.ts'
import { failingServices, withFault } from '../support/faults.ts'
import { failureOf } from '../support/layers.ts'

const rest = suite('REST')
const opened: { close(): void }[] = []
let server: ApiServer
rest.before(async () => {
  server = await startApiServer()
})
rest.before.each(() => {
  server.asked.length = 0
})
rest.after.each(() => {
  for (const one of opened.splice(0)) one.close()
})
rest.after(() => server.close())
const open = (options?: object, base?: string) => {
  const connection = server.connection(options)
  const made = createRest(base === undefined ? connection : { ...connection, server: base }, { deadlines })
  opened.push(made)
  return made
}
const deadlines = { each: 5000, whole: 10_000 }

const cut = (): Answer => response => {
  response.socket?.destroy()
}

rest('asks with the connection’s credentials, over one connection', async () => {
  server.answers(() => ({ body: { kind: 'PodList' } }))
  const { json } = open({ headers: { authorization: 'Bearer of-a-test' } })
  assert.equal(await json('/api/v1/pods'), { kind: 'PodList' })
  await json('/api/v1/nodes')
  const [first, second] = server.asked
  assert.is(first?.headers.authorization, 'Bearer of-a-test')
  assert.is(first?.headers.accept, 'application/json')
  assert.is(first?.connection, second?.connection)
})

rest('credentials are asked for anew each time', async () => {
  server.answers(() => ({}))
  let token = 0
  const made = createRest({
    ...server.connection(),
    options: async () => ({ ...(await server.connection().options()), headers: { authorization: `Bearer ${++token}` } }),
  })
  opened.push(made)
  await made.json('/a')
  await made.json('/b')
  assert.equal(
    server.asked.map(({ headers }) => headers.authorization),
    ['Bearer 1', 'Bearer 2'],
  )
})

rest('a server’s path in front, and a slash at its end', async () => {
  server.answers(() => ({}))
  await open({}, `https://127.0.0.1:${server.port}/proxy/`).json('/api/v1/pods?limit=1')
  assert.equal([server.asked[0]?.path, server.asked[0]?.query.get('limit')], ['/proxy/api/v1/pods', '1'])
})

rest('a body is sent with its type and length in bytes', async () => {
  server.answers(() => ({}))
  await open().json('/x', { method: 'PATCH', body: { name: 'größer' }, contentType: 'application/merge-patch+json' })
  const [{ method, body, headers } = { method: '', body: '', headers: {} }] = server.asked
  assert.equal([method, JSON.parse(body)], ['PATCH', { name: 'größer' }])
  assert.is(headers['content-type'], 'application/merge-patch+json')
  assert.is(headers['content-length'], String(Buffer.byteLength(body)))
})

for (const [why, status, body, message, hint] of [
  [
    'a Status object',
    409,
    { kind: 'Status', message: 'it was changed' },
    'the Kubernetes API answers 409 to GET /x: it was changed',
    './taskw status',
  ],
  [
    'a text',
    503,
    'apiserver is shutting down\n',
    'the Kubernetes API answers 503 to GET /x: apiserver is shutting down',
    './taskw status',
  ],
  [
    'a document without a message',
    500,
    { kind: 'Status' },
    'the Kubernetes API answers 500 to GET /x: {"kind":"Status"}',
    './taskw status',
  ],
  [
    'no longer known',
    401,
    { message: 'Unauthorized' },
    'the Kubernetes API answers 401 to GET /x: Unauthorized',
    './taskw kubeconfig',
  ],
  ['not allowed', 403, { message: 'forbidden' }, 'the Kubernetes API answers 403 to GET /x: forbidden', './taskw kubeconfig'],
] as const) {
  rest(`a refusal says what the server says: ${why}`, async () => {
    server.answers(() => ({ status, body }))
    const error = await failureOf(open().text('/x'))
    assert.ok(error instanceof ApiError)
    assert.equal([error.code, error.status, error.message], [5, status, message])
    assert.match(error.hint, hint)
  })
}

for (const [why, options] of [
  ['nobody vouches for', { ca: undefined }],
  ['of another name', { servername: 'other' }],
] as const) {
  rest(`a certificate ${why}: the kubeconfig is the remedy`, async () => {
    const error = await failureOf(open(options).text('/x'))
    assert.equal([error.code, server.asked.length], [4, 0])
    assert.match(error.hint, './taskw kubeconfig')
  })
}

rest('nobody listens: the tunnel is the remedy', async () => {
  const gone = await startApiServer()
  await gone.close()
  const error = await failureOf(open({}, `https://127.0.0.1:${gone.port}`).text('/x'))
  assert.is(error.code, 5)
  assert.match(error.message, `can't reach the Kubernetes API at https://127.0.0.1:${gone.port}: connect ECONNREFUSED`)
  assert.match(error.hint, './taskw tunnel')
})

rest('a read over an idle connection that the server closes just then is asked again', async () => {
  server.answers(() => ({}))
  const { json } = open()
  await json('/first')
  server.answers(cut, () => ({ body: { again: true } }))
  assert.equal(await json('/second'), { again: true })
})

/** A refusal, or a connection that is cut when the request has come. */
const failing = (status: number | 'cut', headers: Record<string, string> = {}) =>
  status === 'cut' ? cut : (): Answer => response => response.writeHead(status, headers).end('{"message":"a bad day"}')

const read = {} satisfies RestRequest
const apply = { method: 'PATCH', body: {}, repeatable: true } satisfies RestRequest
const change = { method: 'PATCH', body: {} } satisfies RestRequest
for (const [why, request, status, times] of [
  ['a read', read, 429, 3],
  ['a read', read, 500, 3],
  ['a read', read, 503, 3],
  ['a read', read, 504, 3],
  ['a read', read, 'cut', 3],
  ['a read', read, 400, 1],
  ['a read', read, 401, 1],
  ['a read', read, 404, 1],
  ['a read', read, 410, 1],
  ['a change that may be repeated', apply, 429, 3],
  ['a change that may be repeated', apply, 503, 3],
  ['a change that may be repeated', apply, 'cut', 3],
  ['a change that may be repeated', apply, 409, 1],
  ['a change that may be repeated', apply, 422, 1],
  ['any other change, which has been turned away unread,', change, 429, 3],
  ['any other change', change, 500, 1],
  ['any other change', change, 503, 1],
  ['any other change', change, 'cut', 1],
] as const) {
  rest(`${why} that ends with ${status} is ${times === 1 ? 'not asked again' : 'asked again until it succeeds'}`, async () => {
    server.answers(failing(status), failing(status), () => ({ body: { kind: 'Pod' } }))
    const asking = open().json('/x', request)
    if (times === 1) assert.is((await failureOf(asking)).code, 5)
    else assert.equal(await asking, { kind: 'Pod' })
    assert.is(server.asked.length, times)
  })
}

rest('a deletion whose answer was lost has deleted', async () => {
  server.answers(cut, () => ({ status: 404, body: { message: 'not found' } }))
  await open().text('/x', { method: 'DELETE', repeatable: true })
  assert.is(server.asked.length, 2)
})

rest('who is told when to come again comes no sooner', async () => {
  server.answers(failing(429, { 'retry-after': '1' }), () => ({}))
  const started = performance.now()
  await open().json('/x')
  assert.ok(performance.now() - started >= 1000)
})

rest('who is told to come again after the deadline does not wait for that', async () => {
  server.answers(failing(429, { 'retry-after': '60' }))
  const started = performance.now()
  const error = await failureOf(open().json('/x'))
  assert.ok(error instanceof ApiError && error.status === 429)
  assert.ok(performance.now() - started < 20_000)
})

rest('a port at which nobody listens for a moment, as while another tunnel takes over, is tried again', async () => {
  const gone = await startApiServer()
  await gone.close()
  const asking = open({ ca: undefined, rejectUnauthorized: false }, `https://127.0.0.1:${gone.port}`).json('/x', change)
  setTimeout(() => server.alsoAt(gone.port), 100)
  server.answers(() => ({ body: { back: true } }))
  assert.equal(await asking, { back: true })
})

rest('an interruption between two attempts', async () => {
  const stop = new AbortController()
  server.answers(() => response => {
    stop.abort()
    response.writeHead(503).end()
  })
  assert.is((await failureOf(open().json('/x', { signal: stop.signal }))).code, 130)
  assert.is(server.asked.length, 1)
})

rest('an answer that breaks off is no answer', async () => {
  server.answers(() => response => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{"half":')
    setTimeout(() => response.socket?.destroy(), 20)
  })
  assert.is((await failureOf(open().json('/x'))).code, 5)
})

rest('an interruption while it waits', async () => {
  server.answers(() => () => undefined)
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 20)
  assert.is((await failureOf(open().json('/x', { signal: stop.signal }))).code, 130)
})

rest('lines come one by one, until the server ends them', async () => {
  server.answers(() => response => {
    response.writeHead(200)
    response.write('{"n":1}\n{"n"')
    setTimeout(() => response.end(':2}\n'), 20)
  })
  const lines: string[] = []
  for await (const line of open().lines('/watch', new AbortController().signal)) lines.push(line)
  assert.equal(lines, ['{"n":1}', '{"n":2}'])
})

rest('lines that break off end', async () => {
  server.answers(() => response => {
    response.writeHead(200)
    response.write('{"n":1}\n')
    setTimeout(() => response.socket?.destroy(), 20)
  })
  const lines: string[] = []
  try {
    for await (const line of open().lines('/watch', new AbortController().signal)) lines.push(line)
  } catch {}
  assert.equal(lines, ['{"n":1}'])
})

rest('whoever reads no further lets the connection go, and hears of it no more', async () => {
  const gone = Promise.withResolvers<void>()
  server.answers(() => response => {
    response.on('close', gone.resolve)
    response.writeHead(200)
    response.write('{"n":1}\n{"n":2}\n')
  })
  for await (const line of open().lines('/watch', new AbortController().signal)) {
    assert.is(line, '{"n":1}')
    break
  }
  await gone.promise
})

rest('lines end with their signal', async () => {
  server.answers(() => response => {
    response.writeHead(200)
    response.write('{"n":1}\n')
  })
  const stop = new AbortController()
  const lines: string[] = []
  try {
    for await (const line of open().lines('/watch', stop.signal)) {
      lines.push(line)
      stop.abort()
    }
  } catch {}
  assert.equal(lines, ['{"n":1}'])
})

for (const body of ['', 'SSH-2.0-OpenSSH_9.6', '<html>', '{"a": nu']) {
  rest(`${JSON.stringify(body)} for an answer is exit code 5`, async () => {
    server.answers(() => response => response.end(body))
    const error = await failureOf(open().json('/api/v1/pods'))
    assert.is(error.code, 5)
    assert.match(error.message, 'the Kubernetes API')
  })
}
for (const fault of failingServices) {
  rest(`a server that ${fault}`, () =>
    withFault(fault, async url => {
      const made = createRest(
        { server: url.replace('http', 'https'), options: async () => ({}) },
        { deadlines: { each: 150, whole: 300 } },
      )
      opened.push(made)
      const started = performance.now()
      const error = await failureOf(made.json('/api/v1/pods'))
      assert.ok([4, 5, 124].includes(error.code), `${error.code} ${error.message}`)
      assert.match(error.message, 'the Kubernetes API')
      assert.ok(performance.now() - started < 15_000)
    }),
  )
}
rest.run()
