import type { Json } from '../../../runtime/json.ts'
import { dumpVolume } from '../markers.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Copies the volumes, so that there is something to examine if one turns out to be lost. */
export const volumesDumped = (): DrillStep => ({
  stage: 'prepare',
  id: 'volumes/dumped',
  title: 'Volumes dumped',
  work: ({ facts, remember, journal }) =>
    alwaysDone('copy the volumes to a file on the VM', async context => {
      for (const { place, value } of facts.markers ?? []) {
        if (place.kind !== 'volume') continue
        const { dump, marker } = await dumpVolume(place.claim, journal.id, context)
        await remember('dumps', [...(facts.dumps ?? []), { ...dump, holdsMarker: marker === value }])
      }
      return (facts.dumps ?? []) as unknown as Json
    }),
})
