import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kinds } from '../../../lib/cluster/kinds.ts'
import { createRest, type Rest } from '../../../lib/cluster/rest.ts'
import { type Watched, watchKinds } from '../../../lib/cluster/watcher.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { type ApiServer, startApiServer } from '../support/api-server.ts'

const PODS: Watched = { kind: kinds.pods, resourceVersion: '100' }
const NODES: Watched = { kind: kinds.nodes, resourceVersion: '100' }
/** Longer than a burst is collected, shorter than any poll. */
const SOON = 1000

const watcher = suite('watcher')
let server: ApiServer
let rest: Rest
let stop: AbortController
let watches: ServerResponse[]

watcher.before(async () => {
  server = await startApiServer()
})
watcher.before.each(() => {
  server.asked.length = 0
  watches = []
  server.answers(() => response => {
    response.writeHead(200)
    response.flushHeaders()
    watches.push(response)
  })
  rest = createRest(server.connection())
  stop = new AbortController()
})
watcher.after.each(() => {
  stop.abort()
  rest.close()
})
watcher.after(() => server.close())

const event = (type: string, resourceVersion: string) =>
  `${JSON.stringify({ type, object: { metadata: { resourceVersion } } })}\n`
const asked = (count: number) =>
  waitFor({
    what: `${count} watches`,
    within: 5000,
    every: 5,
    probe: async () => (server.asked.length >= count ? true : undefined),
  })
const timed = async (run: Promise<void>) => {
  const started = performance.now()
  await run
  return performance.now() - started
}

watcher('watches each kind from the version that was read', async () => {
  watchKinds(rest, [PODS, NODES], stop.signal)
  await asked(2)
  assert.equal(server.asked.map(({ path }) => path).sort(), ['/api/v1/nodes', '/api/v1/pods'])
  const { query } = server.asked[0] ?? { query: new URLSearchParams() }
  assert.equal([query.get('watch'), query.get('allowWatchBookmarks'), query.get('resourceVersion')], ['true', 'true', '100'])
})

watcher('comes back soon after a change', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  setTimeout(() => watches[0]?.write(event('MODIFIED', '101')), 20)
  assert.ok((await timed(changes.next(30_000))) < SOON)
})

watcher('a change between two calls is not missed', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  watches[0]?.write(event('ADDED', '101'))
  await sleep(50)
  assert.ok((await timed(changes.next(30_000))) < SOON)
})

watcher('a burst is one change', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  for (const version of ['101', '102', '103']) watches[0]?.write(event('MODIFIED', version))
  await changes.next(30_000)
  const quiet = 400
  assert.ok((await timed(changes.next(quiet))) >= quiet - 10)
})

watcher('without a change, when the time is up', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  const took = await timed(changes.next(80))
  assert.ok(took >= 70 && took < SOON, `${took} ms`)
})

watcher('a bookmark is no change, but where to go on from', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  watches[0]?.write(event('BOOKMARK', '150'))
  assert.ok((await timed(changes.next(120))) >= 110)
  watches[0]?.end()
  await asked(2)
  assert.is(server.asked[1]?.query.get('resourceVersion'), '150')
})

watcher('a watch that the server ends is taken up after its last event', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  watches[0]?.end(event('MODIFIED', '101'))
  await asked(2)
  assert.is(server.asked[1]?.query.get('resourceVersion'), '101')
  await changes.next(30_000)
  watches[1]?.write(event('MODIFIED', '102'))
  assert.ok((await timed(changes.next(30_000))) < SOON)
})

watcher('a server that ends every watch at once is not run down', async () => {
  server.answers(() => response => {
    response.writeHead(200)
    response.end()
  })
  watchKinds(rest, [PODS], stop.signal)
  await sleep(500)
  assert.ok(server.asked.length <= 2, `${server.asked.length} watches`)
})

for (const [why, break_] of [
  ['too old', () => watches[0]?.write(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`)],
  ['refused', undefined],
] as const) {
  watcher(`a watch that is ${why} is polled for instead`, async () => {
    if (!break_) server.answers(() => ({ status: 410, body: { message: 'too old resource version' } }))
    const changes = watchKinds(rest, [PODS], stop.signal)
    await asked(1)
    break_?.()
    assert.ok((await timed(changes.next(30_000))) < SOON, 'that it broke is a change')
    const took = await timed(changes.next(30_000))
    assert.ok(took > 1500 && took < 3000, `${took} ms`)
  })
}

watcher('ends with its signal, and when it is closed', async () => {
  const changes = watchKinds(rest, [PODS], stop.signal)
  await asked(1)
  setTimeout(() => stop.abort(), 20)
  assert.ok((await timed(changes.next(30_000))) < SOON)
  const others = watchKinds(rest, [PODS], new AbortController().signal)
  await asked(2)
  setTimeout(() => others.close(), 20)
  assert.ok((await timed(others.next(30_000))) < SOON)
})

watcher.run()
