/** The content of an environment's lock object. */
export interface LockRecord {
  /** `user@host`. */
  holder: string
  /** Random, of the run that holds it: by it a run knows a record of its own, whose write was answered by nobody. */
  owner?: string
  pid: number
  /** The boot and the pid namespace that the pid belongs to; missing where the platform does not say. */
  pidSpace?: string
  /** When that process began, in clock ticks since the boot: a pid is used again. */
  startTime?: string
  verb: string
  /** ISO 8601, UTC, by the holder's clock: for people, who may compare it with nothing. */
  since: string
}

/** A lock that was not written for this long, by the store's clock, has a dead holder. It is written four times in that time. */
export const LOCK_STALE_MS = 60_000
export const LOCK_HEARTBEAT_MS = LOCK_STALE_MS / 4

/** What a lock object says, or undefined where it is empty, torn or something else: it is held then, nobody knows by whom. */
export function lockRecord(content: string): LockRecord | undefined {
  try {
    const { holder, pid, verb, since, ...rest } = JSON.parse(content) as Partial<Record<keyof LockRecord, unknown>>
    const isRecord = isText(holder) && Number.isInteger(pid) && Number(pid) > 0 && isText(verb) && isText(since)
    return isRecord ? { holder, pid: Number(pid), verb, since, ...identity(rest) } : undefined
  } catch {
    return undefined
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Of what tells a run from all others, as much as is well-formed. */
const identity = ({ owner, pidSpace, startTime }: Partial<Record<keyof LockRecord, unknown>>) => ({
  ...(isText(owner) && { owner }),
  ...(isText(pidSpace) && { pidSpace }),
  ...(isText(startTime) && { startTime }),
})

/** Whether the holder's process runs, as far as can be told from here: of another machine's it is not known. */
export type HolderState = 'runs' | 'ended' | 'unknown'

/**
 * Whether a lock's holder is dead, so that it may be taken over.
 * @param age milliseconds since it was last written, by the store's clock; NaN where that is not known
 */
export const isStale = (holder: HolderState, age: number): boolean =>
  holder === 'ended' || (holder === 'unknown' && age > LOCK_STALE_MS)
