import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { HopId } from '../../../../lib/model/image/hops.ts'
import { seen, stamped } from '../../../../lib/model/image/sighting.ts'
import { timeline } from '../../../../lib/model/image/timeline.ts'
import { at } from './fixture.ts'

const sighting = (seconds: number, error = 0) => ({ at: at(seconds), error, evidence: null })
const pushed = sighting(0, 100)

const reached = suite('timeline')
const brief = (sightings: Partial<Record<HopId, ReturnType<typeof sighting>>>) =>
  timeline(pushed, sightings).map(({ hop, took, error, since, sinceError }) => [hop, took, error, since, sinceError])

for (const [why, sightings, expected] of [
  ['nothing yet', {}, []],
  ['the first hop, from the push', { 'run-created': sighting(3, 500) }, [['run-created', 3000, 600, 3000, 600]]],
  [
    'errors add up',
    { 'run-created': sighting(3, 500), 'run-started': sighting(10, 500) },
    [
      ['run-created', 3000, 600, 3000, 600],
      ['run-started', 7000, 1000, 10_000, 600],
    ],
  ],
  [
    'at once, as far as anybody can tell',
    { 'run-created': sighting(3, 500), 'run-started': sighting(2.5, 500) },
    [
      ['run-created', 3000, 600, 3000, 600],
      ['run-started', 0, 1000, 2500, 600],
    ],
  ],
  ['clocks that disagree show', { 'run-created': sighting(-5, 500) }, [['run-created', -5000, 600, -5000, 600]]],
  ['a hop whose forerunner was not seen is left out', { 'run-started': sighting(10) }, []],
] as [string, Parameters<typeof brief>[0], unknown[]][]) {
  reached(why, () => assert.equal(brief(sightings), expected))
}
reached.run()

const sightings = suite('stamped, seen')
for (const [why, found, expected] of [
  ['whole seconds: half a second off', stamped('2026-01-01T00:00:10Z', null), ['2026-01-01T00:00:10.500Z', 500]],
  ['with fractions', stamped('2026-01-01T00:00:10.250Z', null), ['2026-01-01T00:00:10.250Z', 1]],
  ['no time', stamped(null, null), undefined],
  ['between two surveys', seen({ before: at(10), at: at(13) }, null), ['2026-01-01T00:00:11.500Z', 1500]],
  ['two surveys at once', seen({ before: at(10), at: at(10) }, null), ['2026-01-01T00:00:10.000Z', 0]],
] as const) {
  sightings(why, () => assert.equal(found && [found.at, found.error], expected))
}
sightings.run()
