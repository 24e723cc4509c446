import { readFileSync, readlinkSync } from 'node:fs'
import type { Store, StoredObject } from '../google/storage.ts'
import { judgeLock, LOCK_HEARTBEAT_MS, type LockRecord } from '../model/lock.ts'
import { precondition } from '../runtime/errors.ts'
import { isRunning } from '../runtime/processes.ts'
import type { Context } from './context.ts'
import { operator } from './operator.ts'

const LOCK_OBJECT = 'threads-ops.lock'

/**
 * Takes the environment's lock: one object in the state bucket, written under generation preconditions, with a heartbeat.
 * @returns its release, or undefined while there is no bucket yet to hold it
 * @throws OpsError 4 when somebody holds it
 */
export async function acquireLock({
  verb,
  log,
  now,
  store: open,
}: Pick<Context, 'verb' | 'log' | 'now' | 'store'>): Promise<(() => Promise<void>) | undefined> {
  const store = await open()
  if (!(await store.exists())) return undefined
  const since = now().toISOString()
  const record = (): LockRecord => ({
    holder: operator(),
    pid: process.pid,
    ...(pidSpace !== undefined && { pidSpace }),
    verb,
    since,
    heartbeat: now().toISOString(),
  })

  const current = await store.read(LOCK_OBJECT)
  const held = current && recordIn(current)
  const verdict = judgeLock(held, now(), held && isDead(held))
  if (held && verdict === 'held') throw taken(held)
  if (held && verdict === 'stale')
    log.warn(
      `taking over the lock of ${describe(held)}: ${isDead(held) ? 'that process has ended' : `silent since ${held.heartbeat}`}`,
    )
  let generation = await store.write(LOCK_OBJECT, JSON.stringify(record()), current?.generation ?? '0')
  if (generation === undefined) {
    const winner = await store.read(LOCK_OBJECT)
    throw taken(winner && recordIn(winner))
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

const recordIn = ({ content }: StoredObject): LockRecord => JSON.parse(content) as LockRecord

/** Who holds the environment's lock, dead or alive; undefined when nobody does. */
export async function lockHolder(store: Store): Promise<LockRecord | undefined> {
  const current = await store.read(LOCK_OBJECT)
  return current && recordIn(current)
}

/** What a pid of this machine means: the kernel's boot, and the namespace, which two containers of one host do not share. */
function currentPidSpace(): string | undefined {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}

const pidSpace = currentPidSpace()

/** Whether the holder was a process of this machine that has ended; false where that can't be known. */
const isDead = ({ pid, pidSpace: space }: LockRecord): boolean => space !== undefined && space === pidSpace && !isRunning(pid)

const describe = ({ holder, pid, verb, since }: LockRecord) => `\`${verb}\` of ${holder} (pid ${pid}), since ${since}`

const taken = (holder: LockRecord | undefined) =>
  precondition(
    `the environment is locked by ${holder ? describe(holder) : 'another run'}`,
    'wait until it ends; a run that died is taken over: at once on its own machine, else a minute after its last heartbeat',
  )
