import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { layersRecorded } from '../../../../lib/phases/layer/recorded.ts'
import { journalOf } from '../../support/journal.ts'
import { layerContext, type World } from '../../support/layers.ts'
import { fakeStore } from '../../support/store.ts'

const LAYER = '00-vpc'
const ADDRESS = 'google_compute_network.vpc'
const EARLIER = '2025-11-01T10:00:00.000Z'
const LATER = '2025-11-01T11:00:00.000Z'

const network = { address: ADDRESS, type: 'google_compute_network', attributes: { name: 'the-network' } }
const intent = { layer: LAYER, address: ADDRESS, type: network.type, name: 'the-network', run: 'killed', at: EARLIER }
const record = { layer: LAYER, run: 'other', at: LATER, objects: [{ address: ADDRESS, name: 'the-network' }] }

async function contextWith(facts: object, state: NonNullable<World['states']>[string] = [network]) {
  const store = fakeStore()
  await store.put('journals/killed.json', JSON.stringify(journalOf('killed', { facts })))
  return layerContext({ store, states: { [LAYER]: state } })
}

const recorded = suite('layersRecorded')
for (const [why, facts, state, isMissing] of [
  ['no run had begun anything', {}, undefined, false],
  ['a killed run had begun what the state holds whole', { intents: [intent] }, undefined, true],
  ['a later run has recorded it', { intents: [intent], records: [record] }, undefined, false],
  ['the state does not hold it', { intents: [intent] }, [], false],
  ['the state holds it half made', { intents: [intent] }, [{ ...network, tainted: true as const }], false],
  ['the state holds another one at its address', { intents: [intent] }, [{ ...network, attributes: { name: 'b' } }], false],
] as [string, object, NonNullable<World['states']>[string] | undefined, boolean][]) {
  recorded(`${why}: ${isMissing ? 'a record is missing' : 'nothing to do'}`, async () => {
    const { context, calls } = await contextWith(facts, state)
    calls.length = 0
    assert.is((await layersRecorded([LAYER]).check(context)).state, isMissing ? 'todo' : 'done')
    assert.equal(calls, [])
  })
}
recorded('once it is recorded, nothing is missing', async () => {
  const { context, facts } = await contextWith({ intents: [intent] })
  const phase = layersRecorded([LAYER])
  await phase.run(context)
  assert.equal(
    (facts.records as { layer: string }[]).map(({ layer }) => layer),
    [LAYER],
  )
  assert.is((await phase.check(context)).state, 'done')
})
recorded.run()
