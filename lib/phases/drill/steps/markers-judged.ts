import { judgeMarkers } from '../../../model/drill/judge/markers.ts'
import type { Json } from '../../../runtime/json.ts'
import { readMarker } from '../markers.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Reads the markers: they show which data is there. */
export const markersJudged = (): DrillStep => ({
  stage: 'judge',
  id: 'markers/judged',
  title: 'Markers judged',
  judge: judgeMarkers,
  work: ({ facts, remember }) =>
    alwaysDone('read the markers', async context => {
      for (const marker of facts.markers ?? []) {
        await remember('found', { ...facts.found, [marker.name]: await readMarker(marker, context) })
      }
      return (facts.found ?? {}) as unknown as Json
    }),
})
