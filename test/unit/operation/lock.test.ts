import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mock } from 'node:test'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LOCK_HEARTBEAT_MS, LOCK_STALE_MS, type LockRecord } from '../../../lib/model/lock.ts'
import { acquireLock, lockHolder } from '../../../lib/operation/lock.ts'
import { operator } from '../../../lib/operation/operator.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { type FakeStore, fakeStore } from '../support/store.ts'

const LOCK = 'threads-ops.lock'
const START = Date.parse('2025-11-01T12:00:00Z')
const later = (ms: number) => new Date(START + ms)

/** A record of another machine, whose last heartbeat is so old. */
const record = (age = 0, more: Partial<LockRecord> = {}): LockRecord => ({
  holder: 'bob@far',
  pid: 4711,
  pidSpace: 'another boot',
  verb: 'up',
  since: later(-age).toISOString(),
  heartbeat: later(-age).toISOString(),
  ...more,
})

/** A run that wants the lock; its clock stands where `at` says. */
function run(store: FakeStore, verb = 'down') {
  const said = { warnings: [] as string[], debug: [] as string[] }
  const clock = { at: later(0) }
  const log = { warn: (text: string) => said.warnings.push(text), debug: (text: string) => said.debug.push(text) }
  const acquire = () =>
    acquireLock({ verb, log, now: () => clock.at, store: async () => store } as unknown as Parameters<typeof acquireLock>[0])
  return { acquire, clock, ...said }
}
const held = (store: FakeStore): LockRecord => JSON.parse(store.objects.get(LOCK)?.content ?? '')
const refusal = async (attempt: Promise<unknown>): Promise<OpsError> => {
  try {
    await attempt
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
  throw new Error('it got the lock')
}

const takes = suite('acquireLock')
takes.before.each(() => mock.timers.enable({ apis: ['setInterval'] }))
takes.after.each(() => mock.timers.reset())

takes('nobody holds it: it is written where there was none, and names this run', async () => {
  const store = fakeStore()
  const { acquire, warnings } = run(store)
  assert.type(await acquire(), 'function')
  assert.equal(store.calls, [`write ${LOCK} over 0`])
  const { holder, pid, verb, since, heartbeat } = held(store)
  assert.equal([holder, pid, verb], [operator(), process.pid, 'down'])
  assert.equal([since, heartbeat], [later(0).toISOString(), later(0).toISOString()])
  assert.equal(await lockHolder(store), held(store))
  assert.equal(warnings, [])
})
takes('no bucket yet: there is nothing to hold it, and nothing to release', async () => {
  const store = fakeStore({ exists: false })
  assert.is(await run(store).acquire(), undefined)
  assert.equal(store.calls, [])
})
for (const [why, age] of [
  ['fresh', 0],
  ['as old as it may be', LOCK_STALE_MS],
  ['of a clock that is ahead', -LOCK_STALE_MS],
] as const) {
  takes(`a heartbeat that is ${why}: it is held, by name, and left alone`, async () => {
    const store = fakeStore()
    store.wrote(LOCK, JSON.stringify(record(age)))
    const { code, message, hint } = await refusal(run(store).acquire())
    assert.is(code, 4)
    assert.match(message, '`up` of bob@far (pid 4711)')
    assert.match(hint, 'wait until it ends')
    assert.equal(store.calls, [])
  })
}
takes('a holder that has been silent too long: taken over, and said', async () => {
  const store = fakeStore()
  const generation = store.wrote(LOCK, JSON.stringify(record(LOCK_STALE_MS + 1)))
  const { acquire, warnings } = run(store)
  await acquire()
  assert.equal(store.calls, [`write ${LOCK} over ${generation}`])
  assert.is(held(store).holder, operator())
  assert.match(warnings.join(), /taking over the lock of `up` of bob@far .*: silent since 2025-11-01T11:58:59\.999Z/)
})

/** What this machine's pids mean, as a run on it writes it down. */
async function pidSpaceHere(): Promise<Partial<LockRecord>> {
  const store = fakeStore()
  await run(store).acquire()
  return { pidSpace: held(store).pidSpace as string }
}
async function endedPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid as number
}
for (const [why, space, pid, isTaken] of [
  ['ended on this machine', pidSpaceHere, endedPid, true],
  ['runs on this machine', pidSpaceHere, async () => process.pid, false],
  ['ended, as its pid on another machine would', async () => ({}), endedPid, false],
] as const) {
  takes(`a fresh heartbeat of a process that ${why}`, async () => {
    const store = fakeStore()
    store.wrote(LOCK, JSON.stringify(record(0, { ...(await space()), pid: await pid() })))
    const { acquire, warnings } = run(store)
    if (!isTaken) return assert.is((await refusal(acquire())).code, 4)
    await acquire()
    assert.match(warnings.join(), 'that process has ended')
  })
}
takes('one without a pid space, as platforms without /proc write it, is judged by its heartbeat alone', async () => {
  const store = fakeStore()
  const { pidSpace: _none, ...other } = record(0, { pid: await endedPid() })
  store.wrote(LOCK, JSON.stringify(other))
  assert.is((await refusal(run(store).acquire())).code, 4)
})
takes('a killed process whose parent does not ask after it has ended', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'])
  try {
    const [pid] = await once(parent.stdout, 'data')
    const store = fakeStore()
    store.wrote(LOCK, JSON.stringify(record(0, { ...(await pidSpaceHere()), pid: Number(pid) })))
    // By then the shell is `sleep`, which asks after nobody.
    await new Promise(resolve => setTimeout(resolve, 400))
    assert.is(process.kill(Number(pid), 0), true)
    assert.type(await run(store).acquire(), 'function')
  } finally {
    parent.kill('SIGKILL')
  }
})
for (const [why, before] of [
  ['a free lock', undefined],
  ['a stale one', JSON.stringify(record(2 * LOCK_STALE_MS))],
] as const) {
  takes(`another run is faster at ${why}: it is the one that is named`, async () => {
    const store = fakeStore()
    if (before) store.wrote(LOCK, before)
    const { write } = store
    store.write = async (...args) => {
      store.wrote(LOCK, JSON.stringify(record(0, { holder: 'eve@near' })))
      return write(...args)
    }
    const { code, message } = await refusal(run(store).acquire())
    assert.is(code, 4)
    assert.match(message, 'eve@near')
    assert.is(held(store).holder, 'eve@near')
  })
}
takes('the winner is gone by the time one asks who it was', async () => {
  const store = fakeStore()
  store.write = async () => undefined
  assert.match((await refusal(run(store).acquire())).message, 'locked by another run')
})

takes('a heartbeat renews it: its age is that of the last one', async () => {
  const store = fakeStore()
  const { acquire, clock } = run(store)
  await acquire()
  const first = store.objects.get(LOCK)?.generation
  clock.at = later(LOCK_HEARTBEAT_MS)
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  assert.equal(store.calls.slice(1), [`write ${LOCK} over ${first}`])
  assert.equal(
    [held(store).since, held(store).heartbeat],
    [later(0), later(LOCK_HEARTBEAT_MS)].map(at => at.toISOString()),
  )
})
takes('released, it is gone and beats no more', async () => {
  const store = fakeStore()
  const release = await run(store).acquire()
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await release?.()
  assert.is(store.objects.has(LOCK), false)
  const calls = store.calls.length
  mock.timers.tick(10 * LOCK_HEARTBEAT_MS)
  await settled()
  assert.is(store.calls.length, calls)
})
takes('only its own generation is released: that of a heartbeat, and nobody else’s', async () => {
  const store = fakeStore()
  const release = await run(store).acquire()
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  const own = store.objects.get(LOCK)?.generation
  store.wrote(LOCK, JSON.stringify(record()))
  await release?.()
  assert.is(store.calls.at(-1), `remove ${LOCK} ${own}`)
  assert.is(held(store).holder, 'bob@far')
})
takes('taken over: the run is told, and neither beats over it nor releases it', async () => {
  const store = fakeStore()
  const { acquire, warnings } = run(store)
  const release = await acquire()
  store.wrote(LOCK, JSON.stringify(record()))
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  assert.match(warnings.join(), 'taken over by another run')
  const calls = store.calls.length
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  await release?.()
  assert.is(store.calls.length, calls)
  assert.is(held(store).holder, 'bob@far')
})
takes('a heartbeat that does not get through is tried again', async () => {
  const store = fakeStore()
  const { acquire, debug } = run(store)
  const release = await acquire()
  const { write } = store
  store.write = async () => {
    throw new Error('the bucket is away')
  }
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  assert.match(debug.join(), 'the bucket is away')
  store.write = write
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  await release?.()
  assert.is(store.objects.has(LOCK), false)
})
takes.run()

async function settled(): Promise<void> {
  await new Promise(setImmediate)
}
