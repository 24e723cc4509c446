import { usage } from './errors.ts'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d+)(ms|s|m|h|d)$/

/** The hint for a text that is not a duration. */
export const DURATION_EXAMPLES = 'write e.g. 90s, 10m, 2h'

/** `90s`, `10m`, `2h` as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : undefined
}

/** An option's duration in milliseconds. @param option as it is typed: `--wait` @throws OpsError 2 for anything else */
export function durationOption(option: string, text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw usage(`${option}: "${text}" is not a duration`, DURATION_EXAMPLES)
  return ms
}

/** `0.4 s`, `12 s`, `3 min 5 s` from milliseconds: how long something took. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const whole = Math.round(ms / 1000)
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
