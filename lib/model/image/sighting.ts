import type { Json } from '../../runtime/json.ts'

/** When something happened, as precisely as it is known. */
export interface Sighting {
  /** ISO 8601: the middle of the interval in which it happened. */
  at: string
  /** It happened at most this many milliseconds earlier or later. */
  error: number
  evidence: Json
}

/** When a part of the world was surveyed, and when the survey before that began; ISO 8601. */
export interface Survey {
  before: string
  at: string
}

/** A timestamp by somebody else's clock. In whole seconds, the true moment is somewhere within that second. */
export function stamped(time: string | null | undefined, evidence: Json): Sighting | undefined {
  if (!time) return undefined
  const isWhole = !/\.\d/.test(time)
  const error = isWhole ? 500 : 1
  return { at: new Date(Date.parse(time) + (isWhole ? error : 0)).toISOString(), error, evidence }
}

/** What was absent in one survey and present in the next. */
export function seen({ before, at }: Survey, evidence: Json): Sighting {
  const [from, to] = [Date.parse(before), Date.parse(at)]
  return { at: new Date((from + to) / 2).toISOString(), error: Math.ceil((to - from) / 2), evidence }
}

const sortedTimes = (times: readonly (string | null | undefined)[] = []): string[] =>
  times.flatMap(time => time ?? []).sort((a, b) => Date.parse(a) - Date.parse(b))
export const earliest = (times?: readonly (string | null | undefined)[]): string | undefined => sortedTimes(times)[0]
export const latest = (times?: readonly (string | null | undefined)[]): string | undefined => sortedTimes(times).at(-1)
