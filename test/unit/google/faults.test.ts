import { text } from 'node:stream/consumers'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openGithub } from '../../../lib/delivery/github.ts'
import { type Compute, openCompute } from '../../../lib/google/compute.ts'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { objectExists } from '../../../lib/google/existence.ts'
import { openRegistry } from '../../../lib/google/registry.ts'
import { openStore } from '../../../lib/google/storage.ts'
import type { Deadlines } from '../../../lib/runtime/attempt.ts'
import { asOpsError } from '../../../lib/runtime/errors.ts'
import { failingServices, withFault } from '../support/faults.ts'
import { failureOf } from '../support/layers.ts'
import { withServer } from '../support/server.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials: Credentials = { client: async () => client, token: async () => 'a-token' }
const deadlines = { each: 150, whole: 500 }
/** What a busy machine adds. In milliseconds. */
const SLACK_MS = 15_000

type Call = (url: string, signal: AbortSignal) => Promise<unknown>
const compute = (url: string, signal: AbortSignal, within: Deadlines = deadlines) =>
  openCompute({ project: 'p', zone: 'z', credentials, signal, endpoint: `${url}/compute/v1/`, deadlines: within })
const store = (url: string, signal: AbortSignal) => openStore('b', 'p', credentials, { endpoint: url, signal, deadlines })
const snapshot = { name: 's', disk: 'd', description: '', labels: {} }

const clients: [string, RegExp, Call][] = [
  ['vm', /Compute Engine/, async (url, signal) => (await compute(url, signal)).vm('v')],
  ['snapshots', /Compute Engine/, async (url, signal) => (await compute(url, signal)).snapshots({})],
  ['start', /Compute Engine/, async (url, signal) => (await compute(url, signal)).start('v')],
  ['createSnapshot', /Compute Engine/, async (url, signal) => (await compute(url, signal)).createSnapshot(snapshot)],
  ['a stored object', /Cloud Storage/, async (url, signal) => (await store(url, signal)).read('o')],
  ['a list of objects', /Cloud Storage/, async (url, signal) => (await store(url, signal)).list('')],
  ['a write', /Cloud Storage/, async (url, signal) => (await store(url, signal)).write('o', 'x', '0')],
  ['runs of a commit', /GitHub/, (url, signal) => openGithub('t', url, { deadlines }).runs('o/r', 'abc', signal)],
  ['jobs of a run', /GitHub/, (url, signal) => openGithub('t', url, { deadlines }).jobs('o/r', 1, signal)],
  [
    'an image',
    /registry/,
    (url, signal) => openRegistry(credentials, url, { deadlines }).image('r.example/p/a', 'tag', signal),
  ],
  [
    'existence',
    /Compute Engine/,
    (url, signal) =>
      objectExists('compute', 'projects/p/x/y', { credentials, signal, endpoints: { compute: `${url}/` }, deadlines }),
  ],
]

const table = suite('client × fault: ends in time, with the service’s name')
const { signal } = new AbortController()
// Importing and first opening the client takes seconds on a busy machine.
table.before(async () => void (await (await compute('http://127.0.0.1:9', signal)).vm('v').catch(() => undefined)))
for (const [name, service, call] of clients) {
  for (const fault of failingServices) {
    table(`${name}: a service that ${fault}`, () =>
      withFault(fault, async url => {
        const started = performance.now()
        const error = await failureOf(call(url, signal))
        const elapsed = performance.now() - started
        assert.ok([4, 5, 124].includes(error.code), `${error.code} ${error.message}`)
        assert.match(error.message, service)
        assert.ok(elapsed < deadlines.whole + SLACK_MS, `${elapsed} ms`)
      }),
    )
  }
}
table.run()

const stops = suite('Ctrl-C')
const patient = { each: 60_000, whole: 60_000 }
for (const [name, call] of [
  ['Compute', async (url, signal) => (await compute(url, signal, patient)).vm('v')],
  [
    'Storage',
    async (url, signal) => (await openStore('b', 'p', credentials, { endpoint: url, signal, deadlines: patient })).read('o'),
  ],
] as [string, Call][]) {
  stops(`${name}: ends a read at once`, () =>
    withFault('accepts and never answers', async url => {
      const stop = new AbortController()
      const failure = failureOf(call(url, stop.signal))
      setTimeout(() => stop.abort(), 300)
      const started = performance.now()
      assert.is((await failure).code, 130)
      assert.ok(performance.now() - started < 15_000)
    }),
  )
}
stops.run()

const answers = suite('answers')
for (const [what, instance] of [
  ['a null in a list', { disks: [null] }],
  ['a null in an object of a list', { disks: [{ source: null, licenses: [null] }] }],
  ['a null in a map', { labels: { a: null } }],
  ['a text for an object', { scheduling: 'x' }],
  ['null', null],
] as const) {
  answers(`${what} where Compute sends none is told at once`, () =>
    withServer(
      (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(instance)),
      async url => {
        const slow = { each: 20_000, whole: 40_000 }
        const client = await compute(url, signal, slow)
        const started = performance.now()
        const error = await client.vm('v').then(() => undefined, asOpsError)
        assert.ok(performance.now() - started < 15_000, 'at once')
        // Some nulls are let through: they mean that nothing is there.
        if (error) assert.equal([error.code, /Compute Engine/.test(error.message)], [5, true])
      },
    ).then(() => undefined),
  )
}

/** A service that fails so often, and then answers with this. */
const afterwards = (failures: number, status: number | 'cut', body: object) => {
  let asked = 0
  return ((request, response) => {
    if (asked++ >= failures) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    else if (status === 'cut') request.socket.destroy()
    else
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { code: status, message: 'a bad day' } }))
  }) satisfies Parameters<typeof withServer>[0]
}
const roomy = { each: 5000, whole: 10_000 }

/** A request that changes something: not one that waits for an operation. */
const isChange = (line: string) => !line.startsWith('GET') && !/\/wait\b/.test(line)

/** A Compute Engine that fails the first so many changes, and then does them. */
const cloudThatFails = (failures: number, status: number | 'cut') => {
  const failing = afterwards(failures, status, { name: 'op', status: 'DONE' })
  return ((request, response) => {
    if (isChange(`${request.method} ${request.url}`)) return failing(request, response)
    const body = /\/operations\//.test(request.url ?? '')
      ? { name: 'op', status: 'DONE' }
      : { name: 's', status: 'READY', sourceDisk: 'zones/z/disks/d', metadata: { fingerprint: 'f' } }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }) satisfies Parameters<typeof withServer>[0]
}

const changes: [string, (client: Compute) => Promise<unknown>][] = [
  ['start', client => client.start('v')],
  ['setMetadata', client => client.setMetadata('v', 'k', () => 'x')],
  ['createSnapshot', client => client.createSnapshot(snapshot)],
  ['deleteSnapshot', client => client.deleteSnapshot('s')],
]
for (const status of [429, 500, 502, 503, 'cut'] as const) {
  for (const [what, change] of changes) {
    answers(`${status} is ridden out, and ${what} is asked for under one id`, async () => {
      const requests = await withServer(
        cloudThatFails(2, status),
        async url => void (await change(await compute(url, signal, roomy))),
      )
      const asked = requests.filter(isChange)
      assert.is(asked.length, 3)
      assert.is(new Set(asked.map(line => /requestId=([^&]+)/.exec(line)?.[1])).size, 1)
      assert.match(asked[0] ?? '', /requestId=[0-9a-f-]{36}/)
    })
  }
  answers(`${status} of Storage is ridden out`, async () => {
    await withServer(afterwards(2, status, { items: [{ name: 'o' }] }), async url => {
      const bucket = await openStore('b', 'p', credentials, { endpoint: url, deadlines: roomy })
      assert.equal(await bucket.list(''), ['o'])
    })
  })
}
answers('a snapshot that is gone already is deleted', async () => {
  await withServer(afterwards(9, 404, {}), async url => (await compute(url, signal, roomy)).deleteSnapshot('s'))
})

/** A VM whose metadata somebody else changes just before each of the first so many writes. */
function contested(times: number, refuse: 'at once' | 'by the operation') {
  let items = [{ key: 'k', value: '0' }]
  let version = 0
  let refused = false
  const answer: Parameters<typeof withServer>[0] = (request, response) => {
    const say = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.method === 'GET') return say(200, { name: 'v', metadata: { fingerprint: String(version), items } })
    if (/\/wait\b/.test(request.url ?? ''))
      return say(200, {
        name: 'op',
        status: 'DONE',
        ...(refused && {
          httpErrorStatusCode: 412,
          error: { errors: [{ code: 'CONDITION_NOT_MET', message: 'the fingerprint does not match' }] },
        }),
      })
    text(request).then(body => {
      if (version < times) {
        version++
        items = [{ key: 'k', value: `${items[0]?.value}, ${version}` }]
      }
      const sent = JSON.parse(body) as { fingerprint: string; items: typeof items }
      refused = sent.fingerprint !== String(version)
      if (!refused) items = sent.items
      if (refused && refuse === 'at once') say(412, { error: { code: 412, message: 'Supplied fingerprint does not match' } })
      else say(200, { name: 'op', status: 'RUNNING', zone: 'zones/z' })
    })
    return undefined
  }
  return { answer, value: () => items[0]?.value }
}
for (const refuse of ['at once', 'by the operation'] as const) {
  answers(`metadata that somebody else changes meanwhile is read again: refused ${refuse}`, async () => {
    const vm = contested(2, refuse)
    await withServer(vm.answer, async url =>
      (await compute(url, signal, roomy)).setMetadata('v', 'k', before => `${before}, ours`),
    )
    assert.is(vm.value(), '0, 1, 2, ours')
  })
}
answers('metadata that somebody else changes all the time is given up', async () => {
  const vm = contested(99, 'at once')
  await withServer(vm.answer, async url =>
    assert.is((await failureOf((await compute(url, signal, roomy)).setMetadata('v', 'k', () => 'ours'))).code, 5),
  )
})
answers('metadata that is as it should be is not written', async () => {
  const vm = contested(0, 'at once')
  const requests = await withServer(vm.answer, async url =>
    (await compute(url, signal, roomy)).setMetadata('v', 'k', before => before),
  )
  assert.equal(requests.filter(isChange), [])
})

for (const status of [400, 401, 403, 501] as const) {
  answers(`${status} is final`, async () => {
    const requests = await withServer(afterwards(9, status, {}), async url => {
      const client = await compute(url, signal, roomy)
      assert.is((await failureOf(client.vm('v'))).code, 5)
    })
    assert.is(requests.length, 1)
  })
}
answers.run()
