/**
 * What changes by itself in a healthy cluster does so within this time: a pod's start with its image pull, a volume's
 * binding, a node's return after a boot. Later it needs a hand. In milliseconds.
 */
export const SETTLING_MS = 5 * 60_000

/** Milliseconds from an ISO 8601 timestamp to now; without a timestamp 0, as it is only just coming about. */
export const ageOf = (timestamp: string | undefined, now: Date): number =>
  timestamp === undefined ? 0 : now.getTime() - Date.parse(timestamp)

export const isSettling = (timestamp: string | undefined, now: Date): boolean => ageOf(timestamp, now) < SETTLING_MS

/** `40 s`, `12 min`, `3 h`, `2 d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
