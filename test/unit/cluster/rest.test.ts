import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError, createRest } from '../../../lib/cluster/rest.ts'
import { asOpsError, type OpsError } from '../../../lib/runtime/errors.ts'
import { type Answer, type ApiServer, startApiServer } from '../support/api-server.ts'
import { failingServices, withFault } from '../support/faults.ts'

const failureOf = async (run: Promise<unknown>): Promise<OpsError> => {
  try {
    await run
  } catch (error) {
    return asOpsError(error)
  }
  throw new Error('it did not fail')
}

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
  const made = createRest(base === undefined ? connection : { ...connection, server: base })
  opened.push(made)
  return made
}

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

rest('a change is never asked twice', async () => {
  server.answers(() => ({}))
  const { json } = open()
  await json('/first')
  server.answers(cut)
  assert.is((await failureOf(json('/x', { method: 'DELETE' }))).code, 5)
  assert.is(server.asked.filter(({ method }) => method === 'DELETE').length, 1)
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
      const made = createRest({ server: url.replace('http', 'https'), options: async () => ({}) }, { within: 300 })
      opened.push(made)
      const started = performance.now()
      const error = await failureOf(made.json('/api/v1/pods'))
      assert.ok([4, 5, 124].includes(error.code), `${error.code} ${error.message}`)
      assert.match(error.message, 'the Kubernetes API')
      assert.ok(performance.now() - started < 1800)
    }),
  )
}
rest.run()
