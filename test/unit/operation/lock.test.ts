import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LOCK_HEARTBEAT_MS, LOCK_STALE_MS, type LockRecord } from '../../../lib/model/lock.ts'
import { acquireLock, lockHolder } from '../../../lib/operation/lock.ts'
import { operator } from '../../../lib/operation/operator.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { identify } from '../../../lib/runtime/processes.ts'
import { type FakeStore, fakeStore } from '../support/store.ts'

const LOCK = 'threads-ops.lock'
const START = Date.parse('2025-11-01T12:00:00Z')
const later = (ms: number) => new Date(START + ms)

/** A record of another machine. */
const record = (more: Partial<LockRecord> = {}): LockRecord => ({
  holder: 'bob@far',
  pid: 4711,
  pidSpace: 'another boot',
  verb: 'up',
  since: later(0).toISOString(),
  ...more,
})

/** A run that wants the lock; its clock stands where `at` says. */
function run(store: FakeStore, verb = 'down') {
  const said = { warnings: [] as string[], debug: [] as string[], lost: [] as OpsError[] }
  const clock = { at: later(0) }
  const log = { warn: (text: string) => said.warnings.push(text), debug: (text: string) => said.debug.push(text) }
  const acquire = () =>
    acquireLock(
      { verb, log, now: () => clock.at, store: async () => store } as unknown as Parameters<typeof acquireLock>[0],
      reason => said.lost.push(reason),
    )
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
  const { holder, pid, verb, since, startTime } = held(store)
  assert.equal([holder, pid, verb], [operator(), process.pid, 'down'])
  assert.equal([since, startTime], [later(0).toISOString(), identify(process.pid)?.startTime])
  assert.equal((await lockHolder(store))?.record, held(store))
  assert.equal(warnings, [])
})
takes('no bucket yet: there is nothing to hold it, and nothing to release', async () => {
  const store = fakeStore({ exists: false })
  assert.is(await run(store).acquire(), undefined)
  assert.equal(store.calls, [])
})
const MINUTES = 60_000
for (const skew of [-5 * MINUTES, 0, 5 * MINUTES]) {
  const clocks = `clocks ${skew / MINUTES} minutes apart`
  for (const [why, age] of [
    ['fresh', 0],
    ['as old as it may be', LOCK_STALE_MS],
  ] as const) {
    takes(`${clocks}, a lock that is ${why}: it is held, by name, and left alone`, async () => {
      const store = fakeStore()
      store.wrote(LOCK, JSON.stringify(record({ since: later(skew).toISOString() })))
      store.pass(age)
      const { code, message, hint } = await refusal(run(store).acquire())
      assert.is(code, 4)
      assert.match(message, '`up` of bob@far (pid 4711)')
      assert.match(hint, 'wait until it ends')
      assert.equal(store.calls, [])
    })
  }
  takes(`${clocks}, a holder that has been silent too long: taken over, and said`, async () => {
    const store = fakeStore()
    const generation = store.wrote(LOCK, JSON.stringify(record({ since: later(skew).toISOString() })))
    store.pass(LOCK_STALE_MS + 1)
    const { acquire, warnings } = run(store)
    await acquire()
    assert.equal(store.calls, [`write ${LOCK} over ${generation}`])
    assert.is(held(store).holder, operator())
    assert.match(warnings.join(), /taking over the lock of `up` of bob@far .*: silent for 60 s/)
  })
  takes(`${clocks}, two runs: the second waits for the first however long it works`, async () => {
    const store = fakeStore()
    const [first, second] = [run(store, 'up'), run(store, 'down')]
    first.clock.at = later(skew)
    const release = await first.acquire()
    const { owner } = held(store)
    for (let beat = 1; beat <= 40; beat++) {
      store.pass(LOCK_HEARTBEAT_MS)
      first.clock.at = later(skew + beat * LOCK_HEARTBEAT_MS)
      second.clock.at = later(beat * LOCK_HEARTBEAT_MS)
      mock.timers.tick(LOCK_HEARTBEAT_MS)
      await settled()
      assert.is(held(store).owner, owner)
      assert.is((await refusal(run(elsewhereThan(store), 'down').acquire())).code, 4)
    }
    assert.equal(first.lost, [])
    await release?.()
    assert.type(await second.acquire(), 'function')
  })
}

/** The same bucket as another machine sees it: none of its pids is of here. */
function elsewhereThan(store: FakeStore): FakeStore {
  const read: FakeStore['read'] = async object => {
    const found = await store.read(object)
    return found && { ...found, content: JSON.stringify({ ...JSON.parse(found.content), pidSpace: 'another boot' }) }
  }
  return { ...store, read }
}

/** What this machine's pids mean, as a run on it writes it down. */
async function pidSpaceHere(): Promise<Partial<LockRecord>> {
  const store = fakeStore()
  await run(store).acquire()
  const { pidSpace, startTime } = held(store)
  return { ...(pidSpace && { pidSpace }), ...(startTime && { startTime }) }
}
async function endedPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid as number
}
const ownPid = async () => process.pid
for (const [why, space, pid, age, isTaken] of [
  ['a fresh lock of a process that ended on this machine', pidSpaceHere, endedPid, 0, true],
  ['a fresh lock of a process that runs on this machine', pidSpaceHere, ownPid, 0, false],
  ['a silent lock of a process that runs on this machine', pidSpaceHere, ownPid, 10 * LOCK_STALE_MS, false],
  [
    'a fresh lock of a process whose pid another has by now',
    async () => ({ ...(await pidSpaceHere()), startTime: '1' }),
    ownPid,
    0,
    true,
  ],
  ['a fresh lock of a process that ended, as its pid on another machine would', async () => ({}), endedPid, 0, false],
] as const) {
  takes(why, async () => {
    const store = fakeStore()
    store.wrote(LOCK, JSON.stringify(record({ ...(await space()), pid: await pid() })))
    store.pass(age)
    const { acquire, warnings } = run(store)
    if (!isTaken) return assert.is((await refusal(acquire())).code, 4)
    await acquire()
    assert.match(warnings.join(), 'that process has ended')
  })
}
takes('one without a pid space, as platforms without /proc write it, is judged by its age alone', async () => {
  const store = fakeStore()
  const { pidSpace: _none, ...other } = record({ pid: await endedPid() })
  store.wrote(LOCK, JSON.stringify(other))
  assert.is((await refusal(run(store).acquire())).code, 4)
})
takes('a killed process whose parent does not ask after it has ended', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'])
  try {
    const [pid] = await once(parent.stdout, 'data')
    const store = fakeStore()
    store.wrote(LOCK, JSON.stringify(record({ ...(await pidSpaceHere()), pid: Number(pid) })))
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
  ['a stale one', JSON.stringify(record())],
] as const) {
  takes(`another run is faster at ${why}: it is the one that is named`, async () => {
    const store = fakeStore()
    if (before) store.wrote(LOCK, before)
    store.pass(2 * LOCK_STALE_MS)
    const { write } = store
    store.write = async (...args) => {
      store.wrote(LOCK, JSON.stringify(record({ holder: 'eve@near' })))
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
  const { acquire } = run(store)
  await acquire()
  const first = store.objects.get(LOCK)?.generation
  const before = held(store)
  store.pass(LOCK_HEARTBEAT_MS)
  mock.timers.tick(LOCK_HEARTBEAT_MS)
  await settled()
  assert.equal(store.calls.slice(1), [`write ${LOCK} over ${first}`])
  assert.is((await store.read(LOCK))?.age, 0)
  assert.equal(held(store), before)
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
for (const [why, happens, message] of [
  [
    'taken over',
    (store: FakeStore) => store.wrote(LOCK, JSON.stringify(record())),
    /taken over by `up` of bob@far \(pid 4711\)/,
  ],
  ['overwritten', (store: FakeStore) => store.wrote(LOCK, '{}'), /by whom can't be read: gs:\/\/the-bucket\/threads-ops\.lock/],
  ['removed', (store: FakeStore) => store.objects.delete(LOCK), /removed under this run/],
] as const) {
  takes(`${why}: the run is stopped once, and neither beats over it nor releases it`, async () => {
    const store = fakeStore()
    const { acquire, lost } = run(store)
    const release = await acquire()
    happens(store)
    const content = store.objects.get(LOCK)?.content
    mock.timers.tick(LOCK_HEARTBEAT_MS)
    await settled()
    assert.equal(
      lost.map(({ code }) => code),
      [4],
    )
    assert.match(lost[0]?.message ?? '', message)
    const calls = store.calls.length
    mock.timers.tick(LOCK_HEARTBEAT_MS)
    await settled()
    await release?.()
    assert.is(store.calls.length, calls)
    assert.is(store.objects.get(LOCK)?.content, content)
    assert.is(lost.length, 1)
  })
}
for (const [why, write] of [
  ['fail', () => Promise.reject(new Error('the bucket is away'))],
  ['are not answered', () => new Promise<never>(() => undefined)],
] as const) {
  takes(`heartbeats that ${why} as long as it takes others to take the lock: the run is stopped`, async () => {
    const store = fakeStore()
    const { acquire, lost } = run(store)
    await acquire()
    store.write = write
    for (let beats = 0; beats < 3; beats++) {
      mock.timers.tick(LOCK_HEARTBEAT_MS)
      await settled()
    }
    assert.equal(lost, [])
    for (let beats = 0; beats < 3; beats++) {
      mock.timers.tick(LOCK_HEARTBEAT_MS)
      await settled()
    }
    assert.is(lost.length, 1)
    assert.is(lost[0]?.code, 4)
    assert.match(lost[0]?.message ?? '', 'could not be renewed for 60 s')
  })
}

/** The next write goes through, but its answer does not come: the client tries again and meets its own, or gives up. */
function losesAnswer(store: FakeStore, how: 'tries again' | 'gives up'): void {
  const { write } = store
  store.write = async (...args) => {
    store.write = write
    await write(...args)
    if (how === 'gives up') throw new Error('socket hang up')
    return write(...args)
  }
}
for (const how of ['tries again', 'gives up'] as const) {
  takes(`the answer to the first write is lost, the client ${how}: the lock is this run's`, async () => {
    const store = fakeStore()
    losesAnswer(store, how)
    const release = await run(store).acquire()
    assert.is(held(store).pid, process.pid)
    await release?.()
    assert.is(store.objects.has(LOCK), false)
  })
  takes(`the answer to a heartbeat is lost, the client ${how}: it goes on beating, and is released`, async () => {
    const store = fakeStore()
    const { acquire, lost } = run(store)
    const release = await acquire()
    losesAnswer(store, how)
    for (let beats = 0; beats < 3; beats++) {
      mock.timers.tick(LOCK_HEARTBEAT_MS)
      await settled()
    }
    assert.equal(lost, [])
    await release?.()
    assert.is(store.objects.has(LOCK), false)
  })
}
takes('the answer to the last heartbeat never came: what it wrote is released', async () => {
  const store = fakeStore()
  const release = await run(store).acquire()
  store.wrote(LOCK, store.objects.get(LOCK)?.content ?? '')
  await release?.()
  assert.is(store.objects.has(LOCK), false)
})
for (const [why, ticks] of [
  ['fail at once', 0],
  ['fail after half a minute', 2],
  ['fail after longer than others wait', 5],
] as const) {
  takes(`heartbeats that ${why}: the run is stopped before another can have the lock`, async () => {
    const store = fakeStore()
    const { acquire, lost } = run(store)
    await acquire()
    let passed = 0
    const pending: { at: number; fail(): void }[] = []
    store.write = () => new Promise((_, reject) => pending.push({ at: passed + ticks, fail: () => reject(new Error('503')) }))
    while (lost.length === 0 && passed < 10) {
      store.pass(LOCK_HEARTBEAT_MS)
      passed++
      mock.timers.tick(LOCK_HEARTBEAT_MS)
      for (const { at, fail } of pending) if (at <= passed) fail()
      await settled()
    }
    assert.ok(passed * LOCK_HEARTBEAT_MS <= LOCK_STALE_MS, `${passed} heartbeats`)
    assert.is((await refusal(run(elsewhereThan(store)).acquire())).code, 4)
  })
}
takes('a heartbeat that is answered late counts from when it was begun', async () => {
  const store = fakeStore()
  const { acquire, lost } = run(store)
  await acquire()
  const { write } = store
  const beat = async () => {
    store.pass(LOCK_HEARTBEAT_MS)
    mock.timers.tick(LOCK_HEARTBEAT_MS)
    await settled()
  }
  let answer = () => undefined as unknown
  store.write = async (...args) => {
    const written = await write(...args)
    await new Promise(resolve => (answer = () => resolve(undefined)))
    return written
  }
  await beat()
  for (let beats = 0; beats < 2; beats++) await beat()
  answer()
  await settled()
  store.write = () => Promise.reject(new Error('503'))
  assert.equal(lost, [])
  await beat()
  assert.equal(lost, [])
  await beat()
  assert.is(lost.length, 1)
  assert.is((await refusal(run(elsewhereThan(store)).acquire())).code, 4)
})

/** The next write does not get through before its sender has given up. @returns lets it get through, too late */
function delays(store: FakeStore): () => Promise<unknown> {
  const { write } = store
  let late: Parameters<typeof write> | undefined
  store.write = async (...args) => {
    store.write = write
    late = args
    throw new Error('has not answered within 15 s')
  }
  return async () => late && write(...late)
}
takes('a first write that arrives once its run has given up: its owner is named, and is taken over in time', async () => {
  const store = fakeStore()
  const arrive = delays(store)
  assert.match((await run(store, 'up').acquire().catch(String)) as string, 'has not answered')
  await arrive()
  assert.match((await refusal(run(elsewhereThan(store)).acquire())).message, '`up` of')
  store.pass(LOCK_STALE_MS + 1)
  assert.type(await run(elsewhereThan(store)).acquire(), 'function')
})
takes('a first write that arrives once another run has the lock is that one’s affair no more', async () => {
  const store = fakeStore()
  const arrive = delays(store)
  await run(store, 'up').acquire().catch(String)
  const release = await run(store, 'down').acquire()
  await arrive()
  assert.is(held(store).verb, 'down')
  await release?.()
  assert.is(store.objects.has(LOCK), false)
})
for (const [when, happens, left] of [
  ['the next one', async () => undefined, 'down'],
  [
    'another run has taken the lock',
    async (store: FakeStore) => {
      store.wrote(LOCK, JSON.stringify(record()))
    },
    'up',
  ],
  ['the lock was given back', async (_store: FakeStore, release: (() => Promise<void>) | undefined) => release?.(), undefined],
] as const) {
  takes(`a heartbeat that arrives after ${when} changes nothing`, async () => {
    const store = fakeStore()
    const { acquire, lost } = run(store)
    const release = await acquire()
    const arrive = delays(store)
    const beat = async () => {
      mock.timers.tick(LOCK_HEARTBEAT_MS)
      await settled()
    }
    await beat()
    if (!left || left === 'up') await happens(store, release)
    else await beat()
    await arrive()
    assert.is(store.objects.has(LOCK) ? held(store).verb : undefined, left)
    await beat()
    assert.equal(
      lost.map(({ message }) => message.replace(/,.*/, '')),
      left === 'up' ? ["the environment's lock was taken over by `up` of bob@far (pid 4711)"] : [],
    )
    await release?.()
    assert.is(store.objects.has(LOCK) ? held(store).verb : undefined, left === 'up' ? 'up' : undefined)
  })
}
takes('a release whose answer is lost, and another run at once: that one’s lock stays', async () => {
  const store = fakeStore()
  const release = await run(store).acquire()
  const { remove } = store
  store.remove = async (...args) => {
    store.remove = remove
    await remove(...args)
    store.wrote(LOCK, JSON.stringify(record({ holder: 'eve@near' })))
    throw new Error('socket hang up')
  }
  await release?.()
  assert.is(held(store).holder, 'eve@near')
})
takes('a holder who goes between the look and the write, and another who comes: that one is named', async () => {
  const store = fakeStore()
  const generation = store.wrote(LOCK, JSON.stringify(record()))
  store.pass(2 * LOCK_STALE_MS)
  const { write } = store
  store.write = async (...args) => {
    store.objects.delete(LOCK)
    store.wrote(LOCK, JSON.stringify(record({ holder: 'eve@near', verb: 'dr-drill' })))
    return write(...args)
  }
  const { message } = await refusal(run(store).acquire())
  assert.match(message, '`dr-drill` of eve@near')
  assert.equal(store.calls, [`write ${LOCK} over ${generation}`])
})
takes('a write that failed and did not go through is an error, not a lock', async () => {
  const store = fakeStore()
  store.write = async () => {
    throw new Error('socket hang up')
  }
  const failure = await run(store)
    .acquire()
    .catch((error: unknown) => error)
  assert.is((failure as Error).message, 'socket hang up')
})

const UNREADABLE = join(import.meta.dirname, '../../fixtures/unreadable-lock')
for (const file of readdirSync(UNREADABLE)) {
  takes(`${file}: held, by whom can't be read, with the remedy, however old it is`, async () => {
    const store = fakeStore()
    store.wrote(LOCK, readFileSync(join(UNREADABLE, file), 'utf8'))
    store.pass(10 * LOCK_STALE_MS)
    const { code, message, hint } = await refusal(run(store).acquire())
    assert.is(code, 4)
    assert.match(message, "locked, by whom can't be read: gs://the-bucket/threads-ops.lock")
    assert.match(hint, '`gcloud storage rm gs://the-bucket/threads-ops.lock`')
    assert.equal(store.calls, [])
    const holder = await lockHolder(store)
    assert.equal(holder, {
      record: undefined,
      object: 'gs://the-bucket/threads-ops.lock',
      removal: 'gcloud storage rm gs://the-bucket/threads-ops.lock',
    })
  })
}

takes('it is released once, however often that is asked for', async () => {
  const store = fakeStore()
  const release = await run(store).acquire()
  await Promise.all([release?.(), release?.()])
  await release?.()
  assert.is(store.calls.filter(call => call.startsWith('remove')).length, 1)
})
for (const [failures, warned] of [
  [1, 0],
  [Number.POSITIVE_INFINITY, 1],
] as const) {
  takes(`${failures} failures to release it: tried again, and never thrown`, async () => {
    const store = fakeStore()
    const { acquire, warnings } = run(store)
    const release = await acquire()
    const { remove } = store
    let failed = 0
    store.remove = async (...args) => {
      if (failed++ < failures) throw new Error('503')
      return remove(...args)
    }
    await release?.()
    assert.is(store.objects.has(LOCK), warned > 0)
    assert.is(warnings.length, warned)
    if (warned) assert.match(warnings.join(), /could not be given back: 503; .*`gcloud storage rm gs:\/\/the-bucket/)
  })
}
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
