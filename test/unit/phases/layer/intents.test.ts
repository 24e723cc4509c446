import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { publishedJournals } from '../../../../lib/operation/journals.ts'
import { recordIntents, recordState } from '../../../../lib/phases/layer/intents.ts'
import { planned } from '../../model/layer/fixture.ts'
import { NOW } from '../../support/kubernetes.ts'
import { layerContext, planOf, type StateResource } from '../../support/layers.ts'
import { DISK, NETWORK, SUBNET } from './fixture.ts'

const LAYER = '00-vpc'
const at = NOW.toISOString()
const PUT = 'put journals/run-1.json'
/** This process, working on that journal. */
const RUN = `run-1 ${new Date(performance.timeOrigin).toISOString()}`
const intent = (address: string, type: string, name: string) => ({ layer: LAYER, address, type, name, run: RUN, at })
const NETWORK_INTENT = intent(NETWORK.address, NETWORK.type, 'the-network')

const intents = suite('recordIntents')
intents('what is created, by its real name; a replacement is, too', async () => {
  const { context, facts, calls } = layerContext()
  const updated = planned('google_compute_router.this', ['update'], { name: 'the-router' })
  await recordIntents(planOf(LAYER, [NETWORK, SUBNET, DISK, updated]), context)
  assert.equal(facts.intents, [NETWORK_INTENT, intent(SUBNET.address, SUBNET.type, 'the-subnet')])
  assert.equal(calls, [PUT])
})
intents('nothing of a plan that creates nothing', async () => {
  const { context, facts, calls } = layerContext()
  await recordIntents(planOf(LAYER, [DISK]), context)
  assert.equal([facts, calls], [{}, []])
})
intents('those of one layer after those of another', async () => {
  const { context, facts } = layerContext()
  await recordIntents(planOf(LAYER, [NETWORK]), context)
  await recordIntents(planOf('01-k8s', [NETWORK]), context)
  assert.equal(facts.intents, [NETWORK_INTENT, { ...NETWORK_INTENT, layer: '01-k8s' }])
})
intents('another machine reads them, and the environment that they are of', async () => {
  const { context } = layerContext()
  await recordIntents(planOf(LAYER, [NETWORK]), context)
  const [journal] = await publishedJournals(context)
  assert.equal(journal?.facts, { intents: [NETWORK_INTENT] })
})
intents('a bucket that does not take them stops the apply that would follow', async () => {
  const { context, store } = layerContext()
  store.put = async () => {
    throw new Error('no access')
  }
  try {
    await recordIntents(planOf(LAYER, [NETWORK]), context)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'no access')
  }
})
intents.run()

const records = suite('recordState')
const STATE: StateResource[] = [
  { address: NETWORK.address, type: NETWORK.type, attributes: { name: 'the-network' } },
  { address: 'kubernetes_secret.a', type: 'kubernetes_secret', attributes: { data: 'the-secret' } },
]
records('what the state holds by address and name, and nothing of its other values', async () => {
  const { context, facts, calls } = layerContext({ states: { [LAYER]: STATE } })
  await recordState(LAYER, context)
  assert.equal(facts.records, [
    {
      layer: LAYER,
      run: RUN,
      at,
      objects: STATE.map(({ address, attributes }) => ({ address, name: attributes.name ?? '' })),
    },
  ])
  assert.equal(calls, [PUT])
})
records('an empty state, too: that something is not there any more', async () => {
  const { context, facts } = layerContext()
  await recordState(LAYER, context)
  assert.equal(facts.records, [{ layer: LAYER, run: RUN, at, objects: [] }])
})
records('stand beside the intents, one after the other', async () => {
  const { context, store } = layerContext()
  await recordIntents(planOf(LAYER, [NETWORK]), context)
  await recordState(LAYER, context)
  await recordState('01-k8s', context)
  const { facts } = JSON.parse(store.objects.get('journals/run-1.json')?.content ?? '')
  assert.equal([facts.intents.length, facts.records.length], [1, 2])
})
records('a run without a journal records nothing', async () => {
  const { context, calls } = layerContext({ run: null })
  await recordIntents(planOf(LAYER, [NETWORK]), context)
  await recordState(LAYER, context)
  assert.equal(calls, [])
})
records.run()
