/**
 * In a healthy cluster, whatever changes by itself does so within this time: a pod starts and pulls its image, a volume is bound,
 * a node comes back after a boot. What takes longer needs somebody to step in. In milliseconds.
 */
export const SETTLING_MS = 5 * 60_000

/** Milliseconds from an ISO 8601 timestamp to now; 0 without a timestamp, as the thing is only just being created. */
export const ageOf = (timestamp: string | undefined, now: Date): number =>
  timestamp === undefined ? 0 : now.getTime() - Date.parse(timestamp)

export const isSettling = (timestamp: string | undefined, now: Date): boolean => ageOf(timestamp, now) < SETTLING_MS

/** `40 s`, `12 min`, `3 h`, `2 d` from milliseconds: roughly how old something is. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
