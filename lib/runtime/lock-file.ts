import { randomBytes } from 'node:crypto'
import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { interrupted, systemCode } from './errors.ts'
import { readIfExists } from './files.ts'
import { identify, isAlive, type ProcessId } from './processes.ts'

/** The holder of a lock. The start time distinguishes it from a later process with the same pid. */
export interface Holder extends ProcessId {
  /** Milliseconds since the epoch. */
  since: number
}

const PAUSE_MS = 250

/**
 * Takes the lock at `path`, waiting while a living process holds it; a dead process's lock is taken over.
 * @param onWait called with the holder four times a second
 * @throws OpsError 130 when the signal aborts while it waits
 */
export async function takeLock(
  path: string,
  { onWait, signal }: { onWait?: (holder: Holder) => void; signal?: AbortSignal } = {},
): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true })
  const own = `${path}.${randomBytes(6).toString('hex')}`
  // Linking a complete file makes the lock appear with its holder in it, never empty.
  try {
    await writeFile(own, JSON.stringify({ ...identify(process.pid), since: Date.now() }))
    for (;;) {
      if (signal?.aborted) throw interrupted(`interrupted while waiting for ${path}`, 'run it again to go on')
      if (await isLinked(own, path)) return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
      const holder = await readHolder(path)
      if (!holder) continue
      if (isAlive(holder)) {
        onWait?.(holder)
        await sleep(PAUSE_MS, undefined, signal ? { signal } : {}).catch(() => undefined)
      } else {
        await removeDead(path, holder)
      }
    }
  } finally {
    await rm(own, { force: true })
  }
}

async function isLinked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readIfExists(path)
  return text === undefined ? undefined : holderIn(text)
}

/** A lock damaged by a power failure has no holder; no process has the pid 0. */
function holderIn(text: string): Holder {
  try {
    const { pid = 0, startTime = '', since = 0 } = (JSON.parse(text) ?? {}) as Partial<Holder>
    return { pid, startTime, since }
  } catch {
    return { pid: 0, startTime: '', since: 0 }
  }
}

/** Several processes may find the same dead holder: a late one must not remove the lock of a faster one. */
async function removeDead(path: string, dead: Holder): Promise<void> {
  await using _guard = await takeLock(`${path}.takeover`)
  const holder = await readHolder(path)
  if (holder?.pid === dead.pid && holder.startTime === dead.startTime) await rm(path, { force: true })
}
