import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KubernetesObject } from '../../../../lib/model/health/objects.ts'
import type { Intent, StateRecord } from '../../../../lib/model/layer/intents.ts'
import { adopt } from '../../../../lib/phases/layer/adoption.ts'
import { planned } from '../../model/layer/fixture.ts'
import { journalOf } from '../../support/journal.ts'
import { failedApply, failureOf, layerContext, planOf, type World } from '../../support/layers.ts'
import { fakeStore } from '../../support/store.ts'
import { NETWORK } from './fixture.ts'

const LAYER = '00-vpc'
const ADDRESS = planned('google_compute_address.this', ['create'], { name: 'the-address' })
const RELEASE = planned('helm_release.argocd', ['create'], { name: 'argocd', namespace: 'argocd' })
const BUCKET_LIKE = planned('google_folder.this', ['create'], { name: 'the-folder' })
const PLAN = planOf(LAYER, [NETWORK, ADDRESS, RELEASE, BUCKET_LIKE])

const exists = (path: string, address: string) => ({ summary: `The resource '${path}' already exists`, detail: '', address })
const NETWORK_EXISTS = exists('projects/p/global/networks/the-network', NETWORK.address)
const ADDRESS_EXISTS = exists('projects/p/regions/r/addresses/the-address', ADDRESS.address)
const RELEASE_EXISTS = { summary: 'cannot re-use a name that is still in use', detail: '', address: RELEASE.address }
const FOLDER_EXISTS = { summary: 'the folder already exists', detail: '', address: BUCKET_LIKE.address }
const QUOTA = { summary: 'quota exceeded', detail: '', address: ADDRESS.address }

/** Before this process began. */
const at = '2025-10-01T12:00:00Z'
const after = '2025-10-01T13:00:00Z'
const intended = ({ address, type, after: values }: typeof NETWORK, more: Partial<Intent> = {}): Intent => ({
  ...{ layer: LAYER, address, type, run: 'killed', at },
  name: type === 'helm_release' ? 'argocd/argocd' : String(values?.name),
  ...more,
})

/** What adopting comes to where the journals in the bucket say this. */
function adopting(
  errors: Parameters<typeof failedApply>,
  journals: { intents?: Intent[]; records?: StateRecord[]; env?: string }[],
  world: World = {},
) {
  const store = fakeStore()
  for (const [number, { env = 'lab', ...facts }] of journals.entries())
    store.wrote(`journals/${number}.json`, JSON.stringify(journalOf(`${number}`, { env, facts })))
  const there = layerContext({ ...world, store })
  return { ...there, done: adopt(PLAN, failedApply(...errors), there.context) }
}
const ADOPT_NETWORK = `adopt ${LAYER} ${NETWORK.address} by projects/p/global/networks/the-network`
const ADOPT_ADDRESS = `adopt ${LAYER} ${ADDRESS.address} by projects/p/regions/r/addresses/the-address`

const adopts = suite('adopt')
adopts('an error about something else: nothing, and no journal is asked for', async () => {
  const { done, calls, context } = adopting([QUOTA], [])
  context.store = async () => {
    throw new Error('asked')
  }
  assert.is(await done, false)
  assert.equal(calls, [])
})
adopts('what an interrupted run had begun to make is taken in, and said', async () => {
  const { done, calls, warnings } = adopting([NETWORK_EXISTS], [{ intents: [intended(NETWORK)] }])
  assert.is(await done, true)
  assert.equal(calls, [ADOPT_NETWORK])
  assert.match(warnings.join(), 'projects/p/global/networks/the-network exists already, made by an interrupted run')
})
adopts('whichever of the runs it was', async () => {
  const journals = [{ intents: [intended(ADDRESS)] }, {}, { intents: [intended(NETWORK)] }]
  const { done, calls } = adopting([NETWORK_EXISTS, ADDRESS_EXISTS, QUOTA], journals)
  assert.is(await done, true)
  assert.equal(calls, [ADOPT_NETWORK, ADOPT_ADDRESS])
})
for (const [why, journals] of [
  ['no journal', []],
  ['a journal that intends nothing', [{}]],
  ['an intent of another environment', [{ env: 'lab-staging', intents: [intended(NETWORK)] }]],
  ['an intent of another layer', [{ intents: [intended(NETWORK, { layer: '01-k8s' })] }]],
  ['an intent of another address', [{ intents: [intended(NETWORK, { address: 'google_compute_network.other' })] }]],
  ['an intent of another name', [{ intents: [intended(NETWORK, { name: 'another-network' })] }]],
  ['an intent of this very process', [{ intents: [intended(NETWORK, { at: new Date().toISOString() })] }]],
  [
    'a run that ended by itself',
    [{ intents: [intended(NETWORK)], records: [{ layer: LAYER, run: 'killed', at: after, objects: [] }] }],
  ],
  [
    'a later state that had it already',
    [
      { intents: [intended(NETWORK)] },
      { records: [{ layer: LAYER, run: 'next', at: after, objects: [{ address: NETWORK.address, name: 'the-network' }] }] },
    ],
  ],
] as [string, Parameters<typeof adopting>[1]][]) {
  adopts(`${why} makes nothing ours: exit 4, with import blocks to review`, async () => {
    const { done, calls } = adopting([NETWORK_EXISTS], journals)
    const { code, message, hint } = await failureOf(done)
    assert.is(code, 4)
    assert.match(message, `${LAYER} would make what exists already`)
    assert.match(message, `${NETWORK.address} · the-network`)
    assert.match(hint, `import {\n  to = ${NETWORK.address}\n  id = "projects/p/global/networks/the-network"\n}`)
    assert.match(hint, 'Importing it makes it this tree’s')
    assert.equal(calls, [])
  })
}
adopts('where one thing is not ours, nothing is taken in, and only that is named', async () => {
  const { done, calls } = adopting([NETWORK_EXISTS, ADDRESS_EXISTS], [{ intents: [intended(NETWORK)] }])
  const { code, message } = await failureOf(done)
  assert.is(code, 4)
  assert.match(message, ADDRESS.address)
  assert.not.match(message, NETWORK.address)
  assert.equal(calls, [])
})
adopts('ours, but nobody knows its import id: the operator is told', async () => {
  const { done, calls } = adopting([FOLDER_EXISTS], [{ intents: [intended(BUCKET_LIKE)] }])
  const { code, hint } = await failureOf(done)
  assert.is(code, 4)
  assert.match(hint, 'the import id of google_folder.this')
  assert.equal(calls, [])
})
adopts.run()

const secret = (name: string, labels: Record<string, string>, namespace = 'argocd'): KubernetesObject => ({
  metadata: { name, namespace, uid: name, labels, creationTimestamp: at },
})
const HELM = { owner: 'helm', name: 'argocd' }
const record = (revision: number, status: string) => secret(`sh.helm.release.v1.argocd.v${revision}`, { ...HELM, status })
const OTHERS = [
  secret('argocd-secret', { name: 'argocd' }),
  secret('sh.helm.release.v1.other.v1', { ...HELM, name: 'other', status: 'failed' }),
  secret('sh.helm.release.v1.argocd.v1', { ...HELM, status: 'failed' }, 'another-namespace'),
]
const OURS = [{ intents: [intended(RELEASE)] }]
const withSecrets = (...secrets: KubernetesObject[]): World => ({ cluster: { secrets: [...OTHERS, ...secrets] } })

const releases = suite('adopt, of a Helm release')
releases('one that Helm had finished is taken in', async () => {
  const { done, calls } = adopting([RELEASE_EXISTS], OURS, withSecrets(record(1, 'deployed')))
  assert.is(await done, true)
  assert.equal(calls, [`adopt ${LAYER} ${RELEASE.address} by argocd/argocd`])
})
for (const status of ['pending-install', 'failed']) {
  releases(`of one that is ${status} the records go, and no other secret`, async () => {
    const { done, calls } = adopting([RELEASE_EXISTS], OURS, withSecrets(record(1, status), record(2, status)))
    assert.is(await done, true)
    assert.equal(calls, [
      'delete secrets argocd/sh.helm.release.v1.argocd.v1',
      'delete secrets argocd/sh.helm.release.v1.argocd.v2',
    ])
  })
}
for (const [why, journals, errors] of [
  ['that no run of ours began', [], [RELEASE_EXISTS]],
  ['beside something that is not ours', OURS, [RELEASE_EXISTS, NETWORK_EXISTS]],
] as [string, Parameters<typeof adopting>[1], Parameters<typeof failedApply>][]) {
  releases(`one ${why} is left alone, its records too`, async () => {
    const { done, calls } = adopting(errors, journals, withSecrets(record(1, 'pending-install')))
    assert.is((await failureOf(done)).code, 4)
    assert.equal(calls, [])
  })
}
releases('one that is being deleted is not in the way for long: it is left alone beside what is ours', async () => {
  const going = { ...RELEASE_EXISTS, detail: 'object is being deleted' }
  const world = withSecrets(record(1, 'uninstalling'))
  const { done, calls } = adopting([NETWORK_EXISTS, going], [{ intents: [intended(NETWORK)] }], world)
  assert.is(await done, true)
  assert.equal(calls, [ADOPT_NETWORK])
})
releases.run()
