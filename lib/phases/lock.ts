import { hostname, userInfo } from 'node:os'
import type { Store } from '../google/storage.ts'
import { judgeLock, LOCK_HEARTBEAT_MS, type LockRecord } from '../model/lock.ts'
import { precondition } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'

const LOCK_OBJECT = 'threads-ops.lock'

export interface LockContext {
  verb: string
  log: Log
  now(): Date
  store(): Promise<Store>
}

/**
 * Takes the environment's lock: one object in the state bucket, written under generation preconditions, with a heartbeat.
 * @returns its release, or undefined while there is no bucket yet to hold it
 * @throws OpsError 4 when somebody holds it
 */
export async function acquireLock({ verb, log, now, store: open }: LockContext): Promise<(() => Promise<void>) | undefined> {
  const store = await open()
  if (!(await store.exists())) return undefined
  const since = now().toISOString()
  const record = (): LockRecord => ({
    holder: `${userInfo().username}@${hostname()}`,
    pid: process.pid,
    verb,
    since,
    heartbeat: now().toISOString(),
  })

  const current = await store.read(LOCK_OBJECT)
  const held = current && (JSON.parse(current.content) as LockRecord)
  const verdict = judgeLock(held, now())
  if (held && verdict === 'held') throw taken(held)
  if (held && verdict === 'stale') log.warn(`taking over the lock of ${describe(held)}: silent since ${held.heartbeat}`)
  let generation = await store.write(LOCK_OBJECT, JSON.stringify(record()), current?.generation ?? '0')
  if (generation === undefined) {
    const winner = await store.read(LOCK_OBJECT)
    throw taken(winner ? (JSON.parse(winner.content) as LockRecord) : undefined)
  }

  let beating: Promise<void> = Promise.resolve()
  const heartbeat = setInterval(() => {
    beating = (async () => {
      const next = generation && (await store.write(LOCK_OBJECT, JSON.stringify(record()), generation))
      if (next === undefined) log.warn('the lock was taken over by another run: this one should stop')
      generation = next
    })().catch(error => log.debug(`heartbeat: ${error}`))
  }, LOCK_HEARTBEAT_MS)
  heartbeat.unref()

  return async () => {
    clearInterval(heartbeat)
    await beating
    if (generation !== undefined) await store.remove(LOCK_OBJECT, generation)
  }
}

const describe = ({ holder, pid, verb, since }: LockRecord) => `\`${verb}\` of ${holder} (pid ${pid}), since ${since}`

const taken = (holder: LockRecord | undefined) =>
  precondition(
    `the environment is locked by ${holder ? describe(holder) : 'another run'}`,
    'wait until it ends; a run that died is taken over a minute after its last heartbeat',
  )
