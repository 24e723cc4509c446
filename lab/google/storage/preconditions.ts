import { ApiError, conditionNotMet, invalidField } from '../http/errors.ts'

interface Versioned {
  generation?: string
  metageneration: string
}

/** Conditions on a resource that exists (`current`) or does not; generation 0 means "does not exist". */
const checks = {
  GenerationMatch: (current: Versioned | undefined, wanted: string) => (current?.generation ?? '0') === wanted,
  MetagenerationMatch: (current: Versioned | undefined, wanted: string) => current?.metageneration === wanted,
}

/**
 * @param prefix `if`, or `ifSource` for the source of a copy
 * @throws ApiError 412 when a condition does not hold; 304 for a `…NotMatch` of a read
 */
export function checkPreconditions(
  query: URLSearchParams,
  current: Versioned | undefined,
  reading = false,
  prefix = 'if',
): void {
  for (const [name, holds] of Object.entries(checks)) {
    const match = number(query, `${prefix}${name}`)
    if (match !== undefined && !holds(current, match)) throw conditionNotMet()
    const notMatch = number(query, `${prefix}${name.replace('Match', 'NotMatch')}`)
    if (notMatch !== undefined && holds(current, notMatch)) {
      throw reading ? new ApiError(304, 'notModified', 'Not Modified') : conditionNotMet()
    }
  }
}

function number(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (!/^\d+$/.test(value)) throw invalidField(name, value, 'Must be a number.')
  return value
}
