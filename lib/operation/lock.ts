import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Store, type StoredObject, writeOver } from '../google/storage.ts'
import { type HolderState, isStale, LOCK_HEARTBEAT_MS, LOCK_STALE_MS, type LockRecord, lockRecord } from '../model/lock.ts'
import { command } from '../model/shell.ts'
import { formatDuration } from '../runtime/duration.ts'
import { messageOf, type OpsError, precondition } from '../runtime/errors.ts'
import { identityOf, livesStill } from '../runtime/processes.ts'
import type { Context } from './context.ts'
import { operator } from './operator.ts'

const LOCK_OBJECT = 'threads-ops.lock'

/** The pauses between attempts to give the lock back, while the store fails, in milliseconds. */
const RELEASE_PAUSES_MS = [500, 1000, 2000, 4000]

/** How many heartbeats after the last write somebody else may take the lock for a dead run's. */
const MISSED_BEATS = LOCK_STALE_MS / LOCK_HEARTBEAT_MS

/**
 * Takes the environment's lock: one object in the state bucket, written under generation preconditions, with a heartbeat.
 * @param lost called once when the lock is no longer this run's: it must not change anything any more
 * @returns its release, which never throws; or undefined while there is no bucket yet to hold it
 * @throws OpsError 4 when somebody holds it
 */
export async function acquireLock(
  { verb, log, now, store: open }: Pick<Context, 'verb' | 'log' | 'now' | 'store'>,
  lost: (reason: OpsError) => void,
): Promise<(() => Promise<void>) | undefined> {
  const store = await open()
  if (!(await store.exists())) return undefined
  const own: LockRecord = {
    holder: operator(),
    owner: randomUUID(),
    pid: process.pid,
    ...here,
    verb,
    since: now().toISOString(),
  }
  // By the owner's random id no other run writes the same.
  const content = JSON.stringify(own)
  const put = (over: string) => writeOver(store, LOCK_OBJECT, content, over)

  const current = await store.read(LOCK_OBJECT)
  if (current) {
    const dead = deadHolder(current)
    if (!dead) throw taken(current, store)
    log.warn(`taking over the lock of ${dead}`)
  }
  const written = await put(current?.generation ?? '0')
  if (!('generation' in written)) throw taken(written.found, store)

  let { generation } = written
  /** Heartbeats since the last write that is known to have gone through was begun. */
  let unanswered = 0
  let isOurs = true
  let isLost = false
  let lastError: unknown
  const lose = (reason: OpsError) => {
    clearInterval(heartbeat)
    if (!isLost) lost(reason)
    isLost = true
  }
  const beat = async () => {
    const before = unanswered
    try {
      const next = await put(generation)
      if (!('generation' in next)) {
        isOurs = false
        return lose(takenOver(next.found, store))
      }
      generation = next.generation
      // It may have gone through as soon as it was begun: from then on the others count.
      unanswered -= before
      lastError = undefined
    } catch (error) {
      lastError = error
      log.debug(`heartbeat: ${messageOf(error)}`)
    }
  }
  let beating: Promise<void> | undefined
  const heartbeat = setInterval(() => {
    unanswered++
    if (unanswered >= MISSED_BEATS) return lose(silent(store, lastError))
    // Two at a time would meet each other.
    beating ??= beat().finally(() => {
      beating = undefined
    })
  }, LOCK_HEARTBEAT_MS)
  heartbeat.unref()

  let released: Promise<void> | undefined
  const release = async () => {
    clearInterval(heartbeat)
    // One that never ends must not keep the lock: by the time it goes through, its generation is gone.
    const waiting = new AbortController()
    await Promise.race([beating, sleep(LOCK_HEARTBEAT_MS, undefined, { signal: waiting.signal }).catch(() => undefined)])
    waiting.abort()
    if (!isOurs) return
    try {
      await free(store, content, generation)
    } catch (error) {
      const remedy = `it counts as free ${formatDuration(LOCK_STALE_MS)} from now, or: \`${removal(store)}\``
      log.warn(`the environment's lock could not be given back: ${messageOf(error)}; ${remedy}`)
    }
  }
  return () => {
    released ??= release()
    return released
  }
}

/**
 * Removes the lock that a dead run has left, for one that had nothing to change and so took none. It is no reason to fail: the next
 * run takes the lock over.
 */
export async function clearDeadLock({ log, store: open }: Pick<Context, 'log' | 'store'>): Promise<void> {
  try {
    const store = await open()
    const current = await store.read(LOCK_OBJECT)
    const dead = current && deadHolder(current)
    if (dead && (await store.remove(LOCK_OBJECT, current.generation))) log.warn(`freed the lock of ${dead}`)
  } catch (error) {
    log.debug(`the lock of a dead run: ${messageOf(error)}`)
  }
}

/** Whose lock it is, and why that run counts as dead; undefined when it may be alive, or can't be told. */
function deadHolder({ content, age }: StoredObject): string | undefined {
  const holder = lockRecord(content)
  const state = holder && holderState(holder)
  if (!holder || !state || !isStale(state, age)) return undefined
  return `${describe(holder)}: ${state === 'ended' ? 'that process has ended' : `silent for ${formatDuration(age)}`}`
}

/** Removes a run's record, whatever generation a write without an answer gave it; of anybody else it removes nothing. */
async function free(store: Store, content: string, generation: string): Promise<void> {
  for (const pause of [...RELEASE_PAUSES_MS, undefined]) {
    try {
      if (await store.remove(LOCK_OBJECT, generation)) return
      const found = await store.read(LOCK_OBJECT)
      if (found?.content !== content) return
      generation = found.generation
    } catch (error) {
      if (pause === undefined) throw error
      await sleep(pause)
    }
  }
}

/** Who holds the environment's lock, dead or alive; undefined when nobody does. */
export interface LockHolder {
  /** Undefined where the object can't be read. */
  record: LockRecord | undefined
  /** `gs://bucket/object`. */
  object: string
  /** The command that removes it. */
  removal: string
}

export async function lockHolder(store: Store): Promise<LockHolder | undefined> {
  const current = await store.read(LOCK_OBJECT)
  return current && { record: lockRecord(current.content), object: addressIn(store), removal: removal(store) }
}

const { space, startTime } = identityOf(process.pid)
const here: Pick<LockRecord, 'pidSpace' | 'startTime'> = {
  ...(space !== undefined && { pidSpace: space }),
  ...(startTime !== '' && { startTime }),
}

function holderState({ pid, pidSpace, startTime = '' }: LockRecord): HolderState {
  const lives = livesStill({ pid, startTime, space: pidSpace })
  return lives === undefined ? 'unknown' : lives ? 'runs' : 'ended'
}

const describe = ({ holder, pid, verb, since }: LockRecord) => `\`${verb}\` of ${holder} (pid ${pid}), since ${since}`

const addressIn = ({ name }: Store) => `gs://${name}/${LOCK_OBJECT}`
const removal = (store: Store) => command`gcloud storage rm ${addressIn(store)}`
const onceGone = (store: Store) => `make sure that nobody changes this environment, then \`${removal(store)}\``

/** @param found what lies there; undefined where that is gone by now */
function taken(found: StoredObject | undefined, store: Store): OpsError {
  const holder = found && lockRecord(found.content)
  if (found && !holder)
    return precondition(`the environment is locked, by whom can't be read: ${addressIn(store)}`, onceGone(store))
  return precondition(
    `the environment is locked by ${holder ? describe(holder) : 'another run'}`,
    'wait until it ends; a run that died is taken over: at once on its own machine, else a minute after its last heartbeat',
  )
}

function takenOver(found: StoredObject | undefined, store: Store): OpsError {
  const holder = found && lockRecord(found.content)
  if (holder)
    return precondition(
      `the environment's lock was taken over by ${describe(holder)}`,
      'wait until that one ends, then run the same command again to go on',
    )
  if (found)
    return precondition(
      `the environment's lock was overwritten, by whom can't be read: ${addressIn(store)}`,
      `${onceGone(store)}, and run the same command again to go on`,
    )
  return precondition(
    `the environment's lock was removed under this run: ${addressIn(store)}`,
    'find out who removed it, then run the same command again to go on',
  )
}

const silent = (store: Store, error?: unknown) =>
  precondition(
    `the environment's lock could not be renewed for ${formatDuration(LOCK_STALE_MS)}, so that another run may take it${error === undefined ? '' : `: ${messageOf(error)}`}`,
    `once ${addressIn(store)} can be written again, run the same command again to go on`,
    error,
  )
