import type { Json } from '../../runtime/json.ts'
import { type HopId, hops } from './hops.ts'
import type { Sighting } from './sighting.ts'

export type Sightings = Partial<Record<HopId, Sighting>>

/** A hop that was reached. Durations are in milliseconds. */
export interface ReachedHop {
  hop: HopId
  title: string
  /** ISO 8601. */
  at: string
  /** From the hop before, `after`, to this one. */
  took: number
  after: HopId | 'push'
  /** How far `took` may be off, either way. */
  error: number
  /** From the push. */
  since: number
  sinceError: number
  evidence: Json
}

/**
 * The hops that were reached, in order, each with its duration and its error. A duration may span several clocks: it can be
 * negative by as much as they disagree, or by the error.
 */
export function timeline(pushed: Sighting, sightings: Sightings): ReachedHop[] {
  return hops.flatMap(({ id, title, after }) => {
    const sighting = sightings[id]
    const from = after === 'push' ? pushed : sightings[after]
    if (!sighting || !from) return []
    const between = (start: Sighting) => {
      const took = Date.parse(sighting.at) - Date.parse(start.at)
      const error = sighting.error + start.error
      // Negative by no more than the error: it happened at once.
      return { took: took < 0 && took >= -error ? 0 : took, error }
    }
    const [{ took, error }, total] = [between(from), between(pushed)]
    return [
      {
        hop: id,
        title,
        at: sighting.at,
        took,
        after,
        error,
        since: total.took,
        sinceError: total.error,
        evidence: sighting.evidence,
      },
    ]
  })
}
