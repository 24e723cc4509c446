import { isRecovered } from '../../../model/drill/marker.ts'
import { messageOf } from '../../../runtime/errors.ts'
import { dumpPath, readMarker, removeFile, removeMarker } from '../markers.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Removes the markers, and the dumps of volumes whose data is there; the dump of a lost volume is kept. */
export const cleanUp = (): DrillStep => ({
  stage: 'judge',
  id: 'clean-up',
  title: 'Markers and dumps cleaned up',
  work: ({ facts, remember, journal }) =>
    alwaysDone('remove the markers, and the dumps that are not needed', async context => {
      const leftovers: string[] = []
      const remove = async (what: string, removal: () => Promise<void>) => {
        await removal().catch(error => leftovers.push(`${what}, which could not be removed: ${messageOf(error)}`))
      }
      for (const marker of facts.markers ?? []) {
        const { name, place } = marker
        // Whatever the verdict, no copy is needed of data that is there now.
        // What was judged, counts: a run that was killed here may have removed the marker.
        const isThere = async () => isRecovered(marker, facts.found?.[name] ?? (await readMarker(marker, context)))
        const needed = place.kind === 'volume' && !(await isThere())
        if (place.kind === 'volume') {
          const path = dumpPath(place.claim, journal.id)
          if (needed) leftovers.push(`${path} on the VM, the copy of ${place.claim}`)
          else await remove(path, async () => removeFile(await context.host(), path))
        }
        await remove(`marker ${name}`, () => removeMarker(marker, context))
      }
      await remember('leftovers', leftovers)
      return { leftovers }
    }),
})
