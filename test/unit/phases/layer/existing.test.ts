import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KubernetesObject } from '../../../../lib/model/health/objects.ts'
import type { PlannedResource } from '../../../../lib/model/layer/planned.ts'
import { foreignObjects, unfinishedObjects } from '../../../../lib/phases/layer/existing.ts'
import { journalOf } from '../../support/journal.ts'
import { layerContext, planOf } from '../../support/layers.ts'
import { fakeStore } from '../../support/store.ts'

const LAYER = '00-vpc'
const NETWORK = 'google_compute_network.vpc'
const PATH = 'projects/the-project/global/networks/the-network'
const EARLIER = '2025-11-01T10:00:00.000Z'
const LATER = '2025-11-01T11:00:00.000Z'

const resource = (change: object): PlannedResource =>
  ({
    address: NETWORK,
    mode: 'managed',
    type: 'google_compute_network',
    name: 'vpc',
    actions: ['create'],
    before: null,
    after: { name: 'the-network' },
    ...change,
  }) as PlannedResource
const planWith = (...resources: PlannedResource[]) => ({ ...planOf(LAYER), resources }) as ReturnType<typeof planOf>

/** A bucket in which an earlier run's journal says what it intended and recorded. */
async function bucketOf(facts: object) {
  const store = fakeStore()
  const journal = journalOf('earlier', { facts })
  await store.put('journals/earlier.json', JSON.stringify(journal))
  return store
}
const intent = {
  layer: LAYER,
  address: NETWORK,
  type: 'google_compute_network',
  name: 'the-network',
  run: 'earlier',
  at: EARLIER,
}

const foreign = suite('foreignObjects')
foreign('what is not there is nobody’s', async () => {
  const { context } = layerContext({})
  assert.equal(await foreignObjects(planWith(resource({})), context), [])
})
for (const [why, facts] of [
  ['whose intents are no list', { intents: 'all' }],
  ['with an intent of an unknown time', { intents: [{ ...intent, at: 'soon' }] }],
  ['with an intent without a name', { intents: [{ ...intent, name: null }] }],
  ['whose records are no list', { intents: [intent], records: {} }],
  ['with a record of no objects', { intents: [intent], records: [{ layer: LAYER, run: 'other', at: LATER }] }],
] as const) {
  foreign(`a journal ${why} proves nothing`, async () => {
    const { context } = layerContext({ existing: [PATH], store: await bucketOf(facts) })
    assert.is((await foreignObjects(planWith(resource({})), context)).length, 1)
  })
}
foreign('what is there and in no journal is somebody else’s', async () => {
  const { context } = layerContext({ existing: [PATH] })
  assert.equal(await foreignObjects(planWith(resource({})), context), [{ address: NETWORK, name: 'the-network', id: PATH }])
})
foreign('what an interrupted run had begun to make is ours', async () => {
  const { context } = layerContext({ existing: [PATH], store: await bucketOf({ intents: [intent] }) })
  assert.equal(await foreignObjects(planWith(resource({})), context), [])
})
foreign('what a run had finished is not: it has gone another way since', async () => {
  const records = [{ layer: LAYER, run: 'other', at: LATER, objects: [{ address: NETWORK, name: 'the-network' }] }]
  const { context } = layerContext({ existing: [PATH], store: await bucketOf({ intents: [intent], records }) })
  assert.is((await foreignObjects(planWith(resource({})), context)).length, 1)
})
foreign('a replacement finds the object that it replaces', async () => {
  const { context } = layerContext({ existing: [PATH] })
  assert.equal(
    await foreignObjects(planWith(resource({ actions: ['delete', 'create'], before: { name: 'the-network' } })), context),
    [],
  )
})
foreign('a replacement under another name does not take over what has that name', async () => {
  const renamed = resource({ actions: ['create', 'delete'], before: { name: 'the-old-one' } })
  const { context } = layerContext({ existing: [PATH] })
  assert.is((await foreignObjects(planWith(renamed), context)).length, 1)
})
foreign('an import names what is there', async () => {
  const { context } = layerContext({ existing: [PATH] })
  assert.equal(await foreignObjects(planWith(resource({ importing: { id: PATH } })), context), [])
})
foreign('an object of the cluster that a kubectl_manifest would take over without a word', async () => {
  const yaml_body = 'apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: threads, namespace: argocd}\n'
  const application = resource({ address: 'kubectl_manifest.app', type: 'kubectl_manifest', after: { yaml_body } })
  const { context } = layerContext({ existing: ['Application/threads'], cluster: {} })
  assert.is((await foreignObjects(planWith(application), context)).length, 1)
})
foreign('a release, by Helm’s own record', async () => {
  const record = {
    metadata: { name: 'sh.helm.release.v1.argocd.v1', namespace: 'argocd', labels: { owner: 'helm', name: 'argocd' } },
  }
  const release = resource({
    address: 'helm_release.argocd',
    type: 'helm_release',
    after: { name: 'argocd', namespace: 'argocd' },
  })
  const { context } = layerContext({ cluster: { secrets: [record as unknown as KubernetesObject] } })
  assert.is((await foreignObjects(planWith(release), context)).length, 1)
})
foreign.run()

const unfinished = suite('unfinishedObjects')
const tainted = resource({ actions: ['delete', 'create'], reason: 'replace_because_tainted', before: { name: 'the-network' } })
for (const [why, facts, expected] of [
  ['that an interrupted run had begun to make may be replaced', { intents: [intent] }, [NETWORK]],
  ['that no journal knows stays guarded', {}, []],
  [
    'that had been finished, and was tainted by hand, stays guarded',
    {
      intents: [intent],
      records: [{ layer: LAYER, run: 'other', at: LATER, objects: [{ address: NETWORK, name: 'the-network' }] }],
    },
    [],
  ],
  [
    'that had been finished once, destroyed, and begun again may be replaced',
    {
      intents: [{ ...intent, at: LATER }],
      records: [{ layer: LAYER, run: 'other', at: EARLIER, objects: [{ address: NETWORK, name: 'the-network' }] }],
    },
    [NETWORK],
  ],
] as [string, object, string[]][]) {
  unfinished(`a tainted object ${why}`, async () => {
    const { context } = layerContext({ store: await bucketOf(facts) })
    assert.equal([...(await unfinishedObjects(planWith(tainted), context))], expected)
  })
}
for (const [why, records, expected] of [
  ['that a failed step of its own has left half made', [], ['null_resource.step']],
  [
    'that was finished',
    [{ layer: LAYER, run: 'other', at: LATER, objects: [{ address: 'null_resource.step', name: '123' }] }],
    [],
  ],
] as [string, object[], string[]][]) {
  unfinished(`what is named by its id alone, ${why}`, async () => {
    const step = { address: 'null_resource.step', type: 'null_resource' }
    const { context } = layerContext({ store: await bucketOf({ intents: [{ ...intent, ...step, name: '' }], records }) })
    const plan = planWith(
      resource({ ...step, actions: ['delete', 'create'], reason: 'replace_because_tainted', before: { id: '123' } }),
    )
    assert.equal([...(await unfinishedObjects(plan, context))], expected)
  })
}
unfinished('a replacement for any other reason stays guarded', async () => {
  const { context } = layerContext({ store: await bucketOf({ intents: [intent] }) })
  assert.is((await unfinishedObjects(planWith(resource({ actions: ['delete', 'create'] })), context)).size, 0)
})
unfinished.run()
