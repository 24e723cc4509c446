/** The content of an environment's lock object. */
export interface LockRecord {
  /** `user@host`. */
  holder: string
  pid: number
  /** The boot and the pid namespace that the pid belongs to; missing where the platform does not say. */
  pidSpace?: string
  verb: string
  /** ISO 8601, UTC. */
  since: string
  heartbeat: string
}

/** A holder that has been silent this long is presumed dead. It sends four heartbeats in that time. */
export const LOCK_STALE_MS = 60_000
export const LOCK_HEARTBEAT_MS = LOCK_STALE_MS / 4

export type LockVerdict = 'free' | 'held' | 'stale'

/**
 * Whether a lock may be taken at `now`. A record that can't be parsed counts as held: a typo must not cost anybody their lock.
 * @param isDead whether the holder is known to be a process that has ended, whatever its heartbeat
 */
export function judgeLock(record: LockRecord | undefined, now: Date, isDead = false): LockVerdict {
  if (record === undefined) return 'free'
  if (isDead) return 'stale'
  const age = now.getTime() - Date.parse(record.heartbeat)
  return age > LOCK_STALE_MS ? 'stale' : 'held'
}
