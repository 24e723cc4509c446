/** Maps of a user's own texts, where an empty one is a value: labels, and Storage's custom metadata. */
const mapsOfTexts = new Set(['labels', 'metadata'])
/** Fields with a text that may be empty: a metadata item's, a guest attribute's, the console's. */
const ownTexts = new Set(['value', 'variableValue', 'contents'])

/**
 * A message as Google's JSON has it: a field without a value is left out, never `null` or an empty enumeration value. What is a
 * user's own stays as it is. https://protobuf.dev/programming-guides/json
 */
export const withoutUnset = <T>(message: T): T => cleaned(message, false) as T

function cleaned(value: unknown, isOwn: boolean): unknown {
  if (Array.isArray(value)) return value.filter(isPresent).map(element => cleaned(element, isOwn))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, inner]) => [name, cleaned(inner, mapsOfTexts.has(name))] as const)
  return Object.fromEntries(
    members.filter(([name, inner]) => isPresent(inner) && (inner !== '' || isOwn || ownTexts.has(name))),
  )
}

const isPresent = (value: unknown): boolean => value !== null && value !== undefined
