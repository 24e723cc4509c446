type Members = Record<string, unknown>

/** A resource after a PATCH: objects are merged, null removes, anything else replaces. RFC 7396 */
export function mergePatch(current: Members, patch: Members): Members {
  const merged: Members = { ...current }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else if (isObject(value)) merged[name] = mergePatch(isObject(merged[name]) ? merged[name] : {}, value)
    else merged[name] = value
  }
  return merged
}

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)
