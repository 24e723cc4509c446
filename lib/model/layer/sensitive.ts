import type { Json } from '../../runtime/json.ts'

/** What stands for a sensitive value; Terraform's own plans show it so too. */
export const SENSITIVE = '(sensitive value)'

/**
 * The values without those that are sensitive: `marks` has the same shape, and `true` where a value, or all below it, is.
 * @param whole masks all of a value in which a mark has no place: a state wraps what has no fixed type
 */
export function masked<T extends Json>(value: T, marks: Json | undefined, whole = false): T {
  return mask(value, marks, whole) as T
}

function mask(value: Json | undefined, marks: Json | undefined, whole: boolean): Json | undefined {
  if (marks === true) return value === null ? null : SENSITIVE
  if (typeof marks !== 'object' || marks === null || typeof value !== 'object' || value === null) return value
  if (whole && Object.keys(marks).some(key => !(key in value))) return SENSITIVE
  if (Array.isArray(value)) return value.map((item, index) => mask(item, at(marks, index), whole) ?? null)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mask(item, at(marks, key), whole)]))
}

const at = (marks: Json[] | { [key: string]: Json | undefined }, key: string | number): Json | undefined =>
  (marks as Record<string | number, Json | undefined>)[key]

/** One step into a value, as a state file writes it. */
export type PathStep = { type: 'get_attr'; value: string } | { type: 'index'; value: { value: string | number } }

/** Marks, as `masked` takes them, from a state file's list of paths. */
export function marksOf(paths: PathStep[][]): Json {
  const marks: { [key: string]: Json | undefined } = {}
  for (const path of paths) {
    const keys = path.map(step => String(step.type === 'get_attr' ? step.value : step.value.value))
    const last = keys.pop()
    if (last === undefined) return true
    let level: { [key: string]: Json | undefined } | undefined = marks
    for (const key of keys) level = stepInto(level, key)
    if (level) level[last] = true
  }
  return marks
}

/** The marks one step further down, or undefined where all of it is marked already. */
function stepInto(level: { [key: string]: Json | undefined } | undefined, key: string) {
  if (level === undefined || level[key] === true) return undefined
  level[key] ??= {}
  return level[key] as { [key: string]: Json | undefined }
}
