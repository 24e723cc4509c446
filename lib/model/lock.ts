/** The content of an environment's lock object. */
export interface LockRecord {
  /** `user@host`. */
  holder: string
  pid: number
  /** The boot and the pid namespace that the pid counts in; none where the platform does not say. */
  pidSpace?: string
  verb: string
  /** ISO 8601, UTC. */
  since: string
  heartbeat: string
}

/** A holder that has been silent this long is taken for dead. Its heartbeat comes four times as often. */
export const LOCK_STALE_MS = 60_000
export const LOCK_HEARTBEAT_MS = LOCK_STALE_MS / 4

export type LockVerdict = 'free' | 'held' | 'stale'

/**
 * Whether a lock may be taken at `now`. A record that can't be read is treated as held: nobody's lock is stolen for a typo.
 * @param isDead whether the holder is known to be a process that has ended, heartbeat or not
 */
export function judgeLock(record: LockRecord | undefined, now: Date, isDead = false): LockVerdict {
  if (record === undefined) return 'free'
  if (isDead) return 'stale'
  const age = now.getTime() - Date.parse(record.heartbeat)
  return age > LOCK_STALE_MS ? 'stale' : 'held'
}
