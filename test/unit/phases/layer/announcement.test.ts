import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Announcement, announce } from '../../../../lib/phases/layer/announcement.ts'
import { precondition } from '../../../../lib/runtime/errors.ts'
import { failureOf, layerContext, type StateResource } from '../../support/layers.ts'

const DISK: StateResource = {
  address: 'google_compute_disk.data',
  type: 'google_compute_disk',
  attributes: { name: 'the-disk', size: 50 },
}
const RULE: StateResource = {
  address: 'google_compute_firewall.ssh',
  type: 'google_compute_firewall',
  attributes: { name: 'the-rule' },
}
const states = { '00-vpc': [DISK, { ...DISK, deposed: 'ab12', attributes: { name: 'the-old-disk' } }], '01-k8s': [RULE] }
const announcement = (): Announcement => ({ layers: ['02-argocd-app', '01-k8s', '00-vpc'], guard: 'destroy' })

const announces = suite('announce')
announces('what each layer holds, the highest first, and the data by name; then the operator is asked', async () => {
  const { context, infos, consents } = layerContext({ states })
  await announce(announcement(), context)
  assert.equal(infos, [
    '01-k8s: 1 resource will be destroyed',
    '00-vpc: 2 resources will be destroyed, and with them disk the-disk, disk the-old-disk',
  ])
  assert.equal(consents, [{ question: 'Destroy 02-argocd-app, 01-k8s, 00-vpc', destroys: true, guard: 'destroy' }])
})
const NAMESPACE: StateResource = {
  address: 'module.namespaces.kubernetes_namespace.threads',
  type: 'kubernetes_namespace',
  attributes: { metadata: [{ name: 'threads' }] },
}
const claims = { persistentvolumeclaims: [{ metadata: { name: 'postgres-pvc', namespace: 'threads', uid: 'u' } }] }
const OF_CLAIM = '01-k8s: its destruction takes along namespace threads, and with it the data of its claim postgres-pvc'
announces('of a namespace also the data in it, before anybody is asked', async () => {
  const { context, warnings, consents } = layerContext({ states: { '01-k8s': [NAMESPACE] }, cluster: claims })
  context.consent = async () => assert.equal(warnings, [OF_CLAIM])
  await announce(announcement(), context)
  assert.equal([warnings, consents], [[OF_CLAIM], []])
})
announces('that nobody can tell what is in it', async () => {
  const { context, warnings } = layerContext({ states: { '01-k8s': [NAMESPACE] } })
  await announce(announcement(), context)
  assert.match(warnings.join('\n'), 'which, nobody can tell now')
})
announces('the snapshots that go as well, by name', async () => {
  const own = { 'managed-by': 'threads-ops', environment: 'lab' }
  const snapshots = [
    { name: 'a', sourceDisk: 'd', labels: own },
    { name: 'kept', sourceDisk: 'd', labels: { ...own, protect: 'true' } },
  ]
  const { context, infos, consents } = layerContext({ snapshots })
  const announced: Announcement = { layers: ['00-vpc'], guard: 'destroy', purge: true }
  await announce(announced, context)
  assert.equal(infos, ['1 snapshot will be deleted: a'])
  assert.is(consents[0]?.question, 'Destroy 00-vpc and 1 snapshot')
  assert.equal(announced.snapshots, ['a'])
})
announces('agreed to is exactly that: by layer, address, name and deposed key', async () => {
  const announced = announcement()
  await announce(announced, layerContext({ states }).context)
  assert.equal(announced.agreed, {
    '02-argocd-app': [],
    '01-k8s': [{ address: RULE.address, name: 'the-rule' }],
    '00-vpc': [
      { address: DISK.address, name: 'the-disk' },
      { address: DISK.address, deposed: 'ab12', name: 'the-old-disk' },
    ],
  })
})
announces('what nothing names has no name, which is not any name', async () => {
  const announced = announcement()
  const unnamed = { address: 'null_resource.a', type: 'null_resource', attributes: {} }
  await announce(announced, layerContext({ states: { '01-k8s': [unnamed] } }).context)
  assert.equal(announced.agreed?.['01-k8s'], [{ address: 'null_resource.a', name: '' }])
})
announces('not agreed to is nothing', async () => {
  const { context } = layerContext({ states })
  context.consent = async () => {
    throw precondition('not confirmed', 'run it again when you mean it')
  }
  const announced = announcement()
  assert.is((await failureOf(announce(announced, context))).code, 4)
  assert.is(announced.agreed, undefined)
})
announces('the guard is that of the verb', async () => {
  const { context, consents } = layerContext({ states })
  await announce({ layers: ['01-k8s'], guard: 'drills' }, context)
  assert.equal(consents[0]?.guard, 'drills')
})
announces('where the guard forbids it nobody is asked, and no state is read', async () => {
  const { context, consents } = layerContext({ guards: { destroy: false } })
  context.terraform.resources = async () => {
    throw new Error('a state was read')
  }
  const { code, hint } = await failureOf(announce(announcement(), context))
  assert.equal([code, consents], [4, []])
  assert.match(hint, 'guards.destroy')
})
announces('where there is nothing to destroy nobody is asked', async () => {
  const { context, consents } = layerContext({ states: {} })
  const nothing = announcement()
  await announce(nothing, context)
  assert.equal([consents, nothing.agreed], [[], { '02-argocd-app': [], '01-k8s': [], '00-vpc': [] }])
})
announces.run()
