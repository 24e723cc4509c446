import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openGithub } from '../../../lib/delivery/github.ts'
import { openCompute } from '../../../lib/google/compute.ts'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { objectExists } from '../../../lib/google/existence.ts'
import { openRegistry } from '../../../lib/google/registry.ts'
import { openStore } from '../../../lib/google/storage.ts'
import { asOpsError, type OpsError } from '../../../lib/runtime/errors.ts'
import { failingServices, withFault } from '../support/faults.ts'
import { withServer } from '../support/server.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials: Credentials = { client: async () => client, token: async () => 'a-token' }
const deadlines = { each: 150, whole: 500 }
/** What a busy machine adds. In milliseconds. */
const SLACK_MS = 1500

type Call = (url: string, signal: AbortSignal) => Promise<unknown>
const compute = (url: string, signal: AbortSignal) =>
  openCompute({ project: 'p', zone: 'z', credentials, signal, endpoint: `${url}/compute/v1/`, deadlines })
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

const failureOf = (promise: Promise<unknown>): Promise<OpsError> =>
  promise.then(value => assert.unreachable(`it answers ${JSON.stringify(value)}`) as never, asOpsError)

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
  [
    'Compute',
    async (url, signal) =>
      (
        await openCompute({ project: 'p', zone: 'z', credentials, signal, endpoint: `${url}/compute/v1/`, deadlines: patient })
      ).vm('v'),
  ],
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
      assert.ok(performance.now() - started < 2000)
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
        const client = await openCompute({
          project: 'p',
          zone: 'z',
          credentials,
          signal,
          endpoint: `${url}/compute/v1/`,
          deadlines: slow,
        })
        const started = performance.now()
        const error = await client.vm('v').then(() => undefined, asOpsError)
        assert.ok(performance.now() - started < 1000, 'at once')
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
for (const status of [429, 500, 502, 503, 'cut'] as const) {
  answers(`${status} is ridden out, and a change is asked for under one id`, async () => {
    const requests = await withServer(afterwards(2, status, { name: 'op', status: 'DONE' }), async url => {
      const client = await openCompute({
        project: 'p',
        zone: 'z',
        credentials,
        signal,
        endpoint: `${url}/compute/v1/`,
        deadlines: roomy,
      })
      await client.start('v')
    })
    const ids = requests
      .filter(line => line.startsWith('POST') && line.includes('/start'))
      .map(line => /requestId=([^&]+)/.exec(line)?.[1])
    assert.is(ids.length, 3)
    assert.is(new Set(ids).size, 1)
  })
  answers(`${status} of Storage is ridden out`, async () => {
    await withServer(afterwards(2, status, { items: [{ name: 'o' }] }), async url => {
      const bucket = await openStore('b', 'p', credentials, { endpoint: url, deadlines: roomy })
      assert.equal(await bucket.list(''), ['o'])
    })
  })
}
for (const status of [400, 401, 403, 501] as const) {
  answers(`${status} is final`, async () => {
    const requests = await withServer(afterwards(9, status, {}), async url => {
      const client = await openCompute({
        project: 'p',
        zone: 'z',
        credentials,
        signal,
        endpoint: `${url}/compute/v1/`,
        deadlines: roomy,
      })
      assert.is((await failureOf(client.vm('v'))).code, 5)
    })
    assert.is(requests.length, 1)
  })
}
answers.run()
