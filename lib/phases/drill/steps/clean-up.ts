import { isRecovered } from '../../../model/drill/marker.ts'
import { messageOf } from '../../../runtime/errors.ts'
import { dumpPath, readMarker, removeFile, removeMarker } from '../markers.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Removes markers, and the dumps of volumes whose data is there: what is lost otherwise stays to be looked into. */
export const cleanUp = (): DrillStep => ({
  stage: 'judge',
  id: 'clean-up',
  title: 'Markers and dumps cleaned up',
  work: ({ facts, remember, journal }) =>
    alwaysDone('remove the markers, and the dumps that nobody needs', async context => {
      const leftovers: string[] = []
      const remove = async (what: string, removal: () => Promise<void>) => {
        await removal().catch(error => leftovers.push(`${what}, which could not be removed: ${messageOf(error)}`))
      }
      for (const marker of facts.markers ?? []) {
        const { name, place } = marker
        // Whatever was judged: of what is there now, no copy is needed.
        const needed = place.kind === 'volume' && !isRecovered(marker, await readMarker(marker, context))
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
