import { plannedMarkers, writeMarker } from '../markers.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Writes a marker to each place that holds data: afterwards it shows whether the data is there. */
export const markersWritten = (): DrillStep => ({
  stage: 'prepare',
  id: 'markers/written',
  title: 'Markers written',
  work: ({ remember }) =>
    alwaysDone("write a marker to the cluster, to the VM's disk and to every volume", async context => {
      const markers = await plannedMarkers(context)
      for (const { expected, because } of markers) {
        if (expected === 'kept') continue
        context.log.warn(because)
        await context.consent({ question: 'Lose data that nothing restores automatically', destroys: true })
      }
      await remember('markers', markers)
      for (const marker of markers) {
        context.progress(marker.name)
        await writeMarker(marker, context)
      }
      return markers.map(({ name, expected, because }) => ({ name, expected, because }))
    }),
})
