import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFaults } from '../../lab/faults/faults.ts'
import { Faults, matchesRoute, parseFault } from '../../lab/google/faults.ts'
import { layoutOf } from '../../lab/state/layout.ts'
import { dialThroughIap } from '../../lib/google/iap.ts'
import type { OpsError } from '../../lib/runtime/errors.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

const table = suite('faults: what is one')

const routes: [string, string, string, boolean][] = [
  ['**', 'GET', '/compute/v1/projects/p/zones', true],
  ['GET **', 'POST', '/compute/v1/projects/p/zones', false],
  ['POST /compute/v1/projects/*/zones/*/disks', 'POST', '/compute/v1/projects/p/zones/z/disks', true],
  ['POST /compute/v1/projects/*/zones/*/disks', 'POST', '/compute/v1/projects/p/zones/z/disks/d/resize', false],
  ['/compute/**/createSnapshot', 'POST', '/compute/v1/projects/p/zones/z/disks/d/createSnapshot', true],
  ['/storage/v1/b/*/o/**', 'GET', '/storage/v1/b/state/o/a/b.c', true],
  ['/storage.v1/**', 'GET', '/storage/v1/b', false],
]
for (const [route, method, path, wanted] of routes) {
  table(`${route} is ${wanted ? '' : 'not '}${method} ${path}`, () => assert.is(matchesRoute(route, method, path), wanted))
}

const refused: [string, Record<string, unknown>, RegExp][] = [
  ['nothing', {}, /'kind' not specified/],
  ['a stranger', { kind: 'earthquake' }, /Must be one of status, delay/],
  ['a member of another kind', { kind: 'delay', ms: 1, status: 500 }, /Has no status; it takes route, ms, times, skip/],
  ['a member that is missing', { kind: 'delay' }, /'ms' not specified/],
  ['a text for a number', { kind: 'status', status: '503' }, /Must be a number/],
  ['a status that is no failure', { kind: 'status', status: 200 }, /between 400 and 599/],
  ['more than all frames', { kind: 'tunnel', loss: 2 }, /between 0 and 1/],
  ['no time at all', { kind: 'cut', times: 0 }, /between 1/],
]
for (const [what, sent, message] of refused) table(`not ${what}`, () => assert.throws(() => parseFault(sent), message))

table('happens as often as it should, after as many as it should let pass', () => {
  const faults = new Faults()
  faults.add({ kind: 'status', route: 'GET **', times: 2, skip: 1 })
  const seen = Array.from({ length: 5 }, () => faults.request('GET', '/a').answer?.status)
  assert.equal(seen, [undefined, 503, 503, undefined, undefined])
  assert.equal(faults.list(), [])
})

table('breaks the share of frames that it should', () => {
  const faults = new Faults()
  faults.add({ kind: 'tunnel', loss: 0.25, latencyMs: 5 })
  const frames = Array.from({ length: 8 }, () => faults.frame())
  assert.is(frames.filter(({ breaks }) => breaks).length, 2)
  assert.ok(frames.every(({ latencyMs }) => latencyMs === 5))
})
table.run()

interface Context {
  lab: TestLab
}

const faults = suite<Context>('faults on demand')
faults.before.each(async context => {
  context.lab = await TestLab.start()
})
faults.after.each(({ lab }) => lab.stop())

interface Planned {
  id: string
  kind: string
  happened: number
  times?: number
}

async function add(lab: TestLab, fault: object): Promise<string> {
  const response = await lab.request('POST', '/lab/faults', fault)
  assert.is(response.status, 200)
  return ((await response.json()) as Planned).id
}

const list = async (lab: TestLab): Promise<Planned[]> =>
  ((await (await lab.request('GET', '/lab/faults')).json()) as { faults: Planned[] }).faults

const NETWORKS = `/compute/v1/projects/${PROJECT}/global/networks`
const ZONE = 'zones/us-east1-b'
const VM = `${ZONE}/instances/threads-lab-vm`

/** A status, or what became of the connection. */
const outcome = (promise: Promise<Response>): Promise<number | 'cut'> =>
  promise.then(
    ({ status }) => status,
    () => 'cut',
  )

faults('an HTTP status, so often', async ({ lab }) => {
  await add(lab, { kind: 'status', status: 503, route: 'POST /compute/**/networks', times: 2 })
  const create = () => outcome(lab.request('POST', NETWORKS, { name: 'net' }))
  assert.is(await outcome(lab.request('GET', NETWORKS)), 200)
  assert.equal([await create(), await create(), await create()], [503, 503, 200])
})

faults('a reason of its own', async ({ lab }) => {
  await add(lab, { kind: 'status', status: 403, reason: 'quotaExceeded', times: 1 })
  const { error } = (await (await lab.request('GET', NETWORKS)).json()) as { error: { errors: { reason: string }[] } }
  assert.is(error.errors[0]?.reason, 'quotaExceeded')
})

faults('a delay', async ({ lab }) => {
  await add(lab, { kind: 'delay', ms: 300, times: 1 })
  const started = performance.now()
  await lab.request('GET', NETWORKS)
  assert.ok(performance.now() - started >= 295)
})

faults('a connection that is cut before anything, and an answer that is lost after all', async ({ lab }) => {
  const requestId = '7d9c1d0e-0000-4000-8000-000000000009'
  const create = (name: string) => outcome(lab.request('POST', `${NETWORKS}?requestId=${requestId}`, { name }))
  await add(lab, { kind: 'cut', route: 'POST **', times: 1 })
  assert.is(await create('net'), 'cut')
  assert.is(await outcome(lab.request('GET', `${NETWORKS}/net`)), 404)
  await add(lab, { kind: 'lost-answer', route: 'POST **', times: 1 })
  assert.is(await create('net'), 'cut')
  assert.is(await outcome(lab.request('GET', `${NETWORKS}/net`)), 200)
  // Whoever names the request gets the operation that it began.
  assert.is(await create('net'), 200)
  assert.is(await outcome(lab.request('POST', NETWORKS, { name: 'net' })), 409)
})

faults('an operation that ends in an error leaves things as they were', async ({ lab }) => {
  await lab.makeInstance()
  const fail = (operation: string, code = 'INTERNAL_ERROR') => add(lab, { kind: 'operation-error', operation, code, times: 1 })
  const code = async (method: string, path: string, body?: object) =>
    (await lab.done(method, path, body)).error?.errors[0]?.code
  const statusOf = async (path: string) => {
    const response = await lab.request('GET', `/compute/v1/projects/${PROJECT}/${path}`)
    return response.ok ? ((await response.json()) as { status: string }).status : response.status
  }
  const snapshot = (name: string) => code('POST', `${ZONE}/disks/threads-lab-vm/createSnapshot`, { name })

  await fail('createSnapshot')
  assert.equal([await snapshot('one'), await statusOf('global/snapshots/one')], ['INTERNAL_ERROR', 'FAILED'])
  await fail('createSnapshot', 'RESOURCE_OPERATION_RATE_EXCEEDED')
  assert.equal([await snapshot('two'), await statusOf('global/snapshots/two')], ['RESOURCE_OPERATION_RATE_EXCEEDED', 404])
  await fail('stop')
  assert.equal([await code('POST', `${VM}/stop`), await statusOf(VM)], ['INTERNAL_ERROR', 'RUNNING'])
  await fail('delete')
  assert.equal([await code('DELETE', VM), await statusOf(VM)], ['INTERNAL_ERROR', 'RUNNING'])
  await fail('delete')
  const done = await code('DELETE', 'global/snapshots/one')
  assert.equal([done, await statusOf('global/snapshots/one')], ['INTERNAL_ERROR', 'READY'])
  await fail('insert', 'ZONE_RESOURCE_POOL_EXHAUSTED')
  const inserted = await code('POST', `${ZONE}/disks`, { name: 'd' })
  assert.equal([inserted, await statusOf(`${ZONE}/disks/d`)], ['ZONE_RESOURCE_POOL_EXHAUSTED', 404])
  await fail('insert')
  assert.equal(
    [await code('POST', 'global/networks', { name: 'n' }), await statusOf('global/networks/n')],
    ['INTERNAL_ERROR', 404],
  )
})

faults('an operation that hangs goes on when the fault is cleared', async ({ lab }) => {
  await lab.done('POST', `${ZONE}/disks`, { name: 'd' })
  const id = await add(lab, { kind: 'operation-hang', operation: 'createSnapshot' })
  const snapshot = lab.done('POST', `${ZONE}/disks/d/createSnapshot`, { name: 's' })
  const first = await Promise.race([snapshot, sleep(300, 'it hangs')])
  assert.is(first, 'it hangs')
  assert.is((await lab.compute('GET', 'global/snapshots/s')).status, 'CREATING')
  assert.is((await lab.request('DELETE', `/lab/faults/${id}`)).status, 204)
  const { status, error } = await snapshot
  assert.equal([status, error], ['DONE', undefined])
})

faults('an operation without work of its own hangs too, and is given up', async ({ lab }) => {
  await add(lab, { kind: 'operation-hang', operation: 'insert', times: 1 })
  const hanging = lab.done('POST', 'global/networks', { name: 'net' })
  assert.is(await Promise.race([hanging, sleep(200, 'it hangs')]), 'it hangs')
  await lab.request('DELETE', '/lab/faults')
  assert.match((await hanging).error?.errors[0]?.message ?? '', 'given up')
  assert.is(await outcome(lab.request('GET', `${NETWORKS}/net`)), 404)
})

faults('a token that has expired, until it is cleared', async ({ lab }) => {
  await add(lab, { kind: 'token-expired' })
  assert.is(await outcome(lab.request('GET', NETWORKS)), 401)
  assert.is(await outcome(lab.request('GET', '/storage/v1/b?project=p')), 401)
  assert.equal((await list(lab)).map(({ kind, happened }) => [kind, happened])[0], ['token-expired', 2])
  assert.is((await lab.request('DELETE', '/lab/faults')).status, 204)
  assert.is(await outcome(lab.request('GET', NETWORKS)), 200)
})

faults('are listed and cleared by those who may', async ({ lab }) => {
  const [first, second] = [await add(lab, { kind: 'cut', route: '/a' }), await add(lab, { kind: 'cut', route: '/b', times: 3 })]
  assert.equal(
    (await list(lab)).map(({ id, times }) => [id, times]),
    [
      [first, undefined],
      [second, 3],
    ],
  )
  assert.is(await outcome(lab.request('POST', '/lab/faults', { kind: 'earthquake' })), 400)
  assert.is(await outcome(lab.request('DELETE', '/lab/faults/nobody')), 404)
  assert.is(await outcome(lab.request('GET', '/lab/faults', undefined, 'wrong')), 401)
  await lab.request('DELETE', `/lab/faults/${first}`)
  assert.equal(
    (await list(lab)).map(({ id }) => id),
    [second],
  )
  await lab.restart()
  assert.equal(await list(lab), [])
})

faults('the verb asks for them, and says what it does not get', async ({ lab }) => {
  const layout = layoutOf(lab.directory)
  const error = async (promise: Promise<unknown>) => (await promise.catch(thrown => thrown)) as OpsError
  assert.is((await error(openFaults(layout))).code, 4)
  await writeFile(layout.endpoints, JSON.stringify({ storage: lab.url }))
  await writeFile(layout.token, TOKEN)
  const verb = await openFaults(layout)
  const { id } = await verb.add({ kind: 'token-expired' })
  assert.is(await outcome(lab.request('GET', NETWORKS)), 401)
  assert.equal(
    (await verb.list()).map(({ kind, happened }) => [kind, happened]),
    [['token-expired', 1]],
  )
  const { code, message } = await error(verb.add({ kind: 'delay' }))
  assert.equal([code, message], [2, "Required field 'ms' not specified"])
  await verb.clear(id)
  await verb.cutTunnels()
  await verb.clear()
  assert.equal(await verb.list(), [])
})

faults('limits are read and changed', async ({ lab }) => {
  const limits = await lab.request('PATCH', '/lab/limits', { quotas: { NETWORKS: 1 }, snapshotsPerDiskAndHour: 1 })
  const { quotas } = (await limits.json()) as { quotas: Record<string, number> }
  assert.equal([quotas.NETWORKS, quotas.FIREWALLS], [1, 100])
  await lab.done('POST', 'global/networks', { name: 'one' })
  assert.is(await outcome(lab.request('POST', NETWORKS, { name: 'two' })), 403)
  assert.is(await outcome(lab.request('PATCH', '/lab/limits', { quotas: { UNICORNS: 1 } })), 400)
  await lab.request('PATCH', '/lab/limits', { requestsPerMinute: 3 })
  const statuses: (number | 'cut')[] = []
  for (let index = 0; index < 4; index++) statuses.push(await outcome(lab.request('GET', NETWORKS)))
  assert.is(statuses.at(-1), 403)
})

const tunnels = suite<Context & { echo: Server }>('faults of tunnels')
tunnels.before.each(async context => {
  context.lab = await TestLab.start()
  await context.lab.makeInstance()
  // A tunnel that is given up resets its connection.
  context.echo = createServer(socket => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
  await once(context.echo, 'listening')
  context.lab.hypervisor.ports.set(22, (context.echo.address() as AddressInfo).port)
})
tunnels.after.each(async ({ lab, echo }) => {
  await lab.stop()
  echo.close()
})

const dial = ({ port }: TestLab) =>
  dialThroughIap({
    relay: `ws://127.0.0.1:${port}`,
    project: PROJECT,
    zone: 'us-east1-b',
    instance: 'threads-lab-vm',
    port: 22,
    token: async () => TOKEN,
  })

/** Half at once, so that much is under way at each break; then in pieces, some of them while the connection is away or comes back. */
async function write(stream: Duplex, content: Buffer): Promise<void> {
  const half = content.length / 2
  stream.write(content.subarray(0, half))
  for (let at = half; at < content.length; at += PIECE_BYTES) {
    stream.write(content.subarray(at, at + PIECE_BYTES))
    await sleep(1)
  }
}

const PIECE_BYTES = 10_000

/** What comes back of what is sent. */
async function echoed(lab: TestLab, content: Buffer): Promise<Buffer> {
  const stream = await dial(lab)
  const parts: Buffer[] = []
  let length = 0
  const written = write(stream, content)
  for await (const part of stream) {
    parts.push(part)
    length += part.length
    if (length >= content.length) break
  }
  await written
  stream.destroy()
  return Buffer.concat(parts)
}

tunnels('latency, both ways', async ({ lab }) => {
  await add(lab, { kind: 'tunnel', latencyMs: 100 })
  const started = performance.now()
  assert.is((await echoed(lab, Buffer.from('hello'))).toString(), 'hello')
  const elapsed = performance.now() - started
  // There, back, and the relay's word that it is connected.
  assert.ok(elapsed >= 290 && elapsed < 2000, `${elapsed} ms`)
})

tunnels('loss: connections break, no byte is lost', async ({ lab }) => {
  await add(lab, { kind: 'tunnel', loss: 0.02, latencyMs: 1 })
  const content = randomBytes(2 * 1024 * 1024)
  assert.ok((await echoed(lab, content)).equals(content))
  assert.ok(((await list(lab))[0]?.happened ?? 0) >= 3)
})

tunnels('all open ones cut at once', async ({ lab }) => {
  const stream = await dial(lab)
  stream.write('before ')
  await once(stream, 'data')
  await lab.request('POST', '/lab/tunnels/cut')
  stream.write('after')
  assert.is(String((await once(stream, 'data'))[0]), 'after')
  stream.destroy()
})

tunnels('an expired token lets nobody through', async ({ lab }) => {
  await add(lab, { kind: 'token-expired', times: 1 })
  const error = await dial(lab).then(
    () => undefined,
    thrown => thrown as Error,
  )
  assert.match(error?.message ?? '', '401')
})

faults('a preemption when the toolkit begins a phase', async ({ lab }) => {
  await lab.makeInstance('threads-lab-vm', { labels: { environment: 'lab' } })
  const begin = async (env: string, id: string, startedAt = new Date()) => {
    const directory = join(lab.directory, 'google/runs', `${env}-${id.replace('/', '-')}`)
    await mkdir(directory, { recursive: true })
    const journal = { id: `${env} ${id}`, env, phases: [], current: { id, title: id, startedAt: startedAt.toISOString() } }
    await writeFile(join(directory, 'journal.json'), JSON.stringify(journal))
  }
  const status = async () => (await lab.compute<{ status: string }>('GET', VM)).status
  await begin('lab', 'layer/01-k8s', new Date(Date.now() - 1000))
  await add(lab, { kind: 'preempt', phase: 'layer/01-k8s', times: 1 })
  await begin('lab', 'layer/00-vpc')
  await sleep(200)
  assert.equal([await status(), (await list(lab))[0]?.happened], ['RUNNING', 0])
  await begin('lab', 'layer/01-k8s')
  await waitFor({ what: 'its end', within: 5000, every: 50, probe: async () => (await status()) === 'TERMINATED' || undefined })
  assert.equal(await list(lab), [])
})

faults('a phase of another environment leaves the machine alone, unless it is named', async ({ lab }) => {
  await lab.makeInstance('threads-lab-vm', { labels: { environment: 'lab' } })
  const status = async () => (await lab.compute<{ status: string }>('GET', VM)).status
  for (const [machine, id] of [
    [undefined, 'verified'],
    ['threads-lab-vm', 'bootstrapped'],
  ] as const) {
    await add(lab, { kind: 'preempt', phase: id, ...(machine && { machine }) })
    await sleep(100)
    const directory = join(lab.directory, 'google/runs', id)
    await mkdir(directory, { recursive: true })
    const current = { id, title: id, startedAt: new Date().toISOString() }
    await writeFile(join(directory, 'journal.json'), JSON.stringify({ id, env: 'another', phases: [], current }))
    await sleep(300)
    assert.is((await status()) === 'RUNNING', machine === undefined)
  }
})

faults.run()
tunnels.run()
