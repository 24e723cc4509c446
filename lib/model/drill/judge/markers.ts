import { check, NOT_REACHED } from '../check.ts'
import type { Facts } from '../facts.ts'
import { judgeMarker, type Place } from '../marker.ts'
import type { Judge } from '../step.ts'

/** One check for each marker. */
export const judgeMarkers: Judge = ({ facts }, step) => {
  const { markers = [], found = {} } = facts
  if (markers.length === 0) return [check(step, 'inconclusive', NOT_REACHED)]
  return markers.map(marker => judgeMarker(marker, found[marker.name], copyOf(marker.place, facts)))
}

const copyOf = (place: Place, { dumps = [] }: Facts): string | undefined =>
  dumps.find(({ claim, holdsMarker }) => place.kind === 'volume' && claim === place.claim && holdsMarker)?.path
