import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kinds } from '../../../../lib/cluster/kinds.ts'
import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { straysRemoved } from '../../../../lib/phases/health/strays.ts'
import { asOpsError, precondition } from '../../../../lib/runtime/errors.ts'
import { beside, deployment, inventory, NOW, ownedBy, pod, stalePod, staleSet } from '../../support/kubernetes.ts'

const OF_EARLIER = ownedBy('Deployment', 'nextjs', 'uid-earlier')
const CLEAN = inventory()
const DUPLICATES = inventory(beside(staleSet(OF_EARLIER), stalePod()))
const KEPT = inventory({
  ...beside(staleSet(OF_EARLIER), stalePod()),
  deployments: [deployment({ status: { availableReplicas: 0 } })],
})

/** A context on a cluster with these inventories, one per survey; the last one stays. */
function contextOn(...surveys: Inventory[]) {
  const seen = { deleted: [] as unknown[], warnings: [] as string[] }
  let next = 0
  const cluster = {
    inventory: async () => ({ inventory: surveys[Math.min(next++, surveys.length - 1)], versions: {} }),
    delete: async (kind: unknown, where: unknown) =>
      seen.deleted.push([kind === kinds.replicaSets ? 'ReplicaSet' : 'Pod', where]) > 0,
  }
  const context = {
    now: () => NOW,
    signal: new AbortController().signal,
    log: { warn: (text: string) => seen.warnings.push(text) },
    progress: () => undefined,
    cluster: async () => cluster,
    consent: async () => undefined,
  } as unknown as Context
  return { context, seen }
}
const DELETION = 'delete threads/ReplicaSet/nextjs-77aa with nextjs-77aa-y: orphan of a re-created Deployment nextjs'
const SET = ['ReplicaSet', { namespace: 'threads', name: 'nextjs-77aa', uid: 'uid-stale-set' }]

const repair = suite('straysRemoved')
repair('nothing stale is done', async () => {
  const { context, seen } = contextOn(CLEAN)
  assert.equal(await straysRemoved().check(context), { state: 'done', evidence: { kept: [] } })
  assert.equal(seen.warnings, [])
})
repair('a check says what would go and deletes nothing', async () => {
  const { context, seen } = contextOn(DUPLICATES)
  assert.equal(await straysRemoved().check(context), { state: 'todo', changes: [DELETION] })
  assert.equal(seen.deleted, [])
})
repair('what stays is said once, with the reason', async () => {
  const { context, seen } = contextOn(KEPT)
  const phase = straysRemoved()
  await phase.check(context)
  assert.is((await phase.check(context)).state, 'done')
  assert.equal(seen.warnings, [
    'threads/ReplicaSet/nextjs-77aa stays: threads/Deployment/nextjs is still replacing it: 0 of 1 new pods are available',
  ])
})
repair('shows it, asks, deletes by uid and waits until it is gone', async () => {
  const { context, seen } = contextOn(DUPLICATES, DUPLICATES, DUPLICATES, CLEAN)
  const phase = straysRemoved()
  context.consent = async () => assert.equal([seen.warnings, seen.deleted], [[DELETION], []])
  const evidence = await phase.run(context)
  assert.equal(seen.deleted, [SET])
  assert.is(phase.summary?.(evidence), '1 pod')
})
repair('without the operator’s word nothing is deleted', async () => {
  const { context, seen } = contextOn(DUPLICATES)
  context.consent = async () => {
    throw precondition('not confirmed', 'run it again when you mean it')
  }
  try {
    await straysRemoved().run(context)
    assert.unreachable()
  } catch (error) {
    assert.is(asOpsError(error).code, 4)
  }
  assert.equal(seen.deleted, [])
})
for (const [why, later] of [
  ['has been cured meanwhile', CLEAN],
  ['is needed by now', KEPT],
] as const) {
  repair(`what ${why} is not deleted, though the operator has agreed`, async () => {
    const { context, seen } = contextOn(DUPLICATES, later)
    await straysRemoved().run(context)
    assert.equal(seen.deleted, [])
  })
}
repair('what the operator has not been shown is not deleted', async () => {
  const more = inventory({
    ...beside(staleSet(OF_EARLIER), stalePod()),
    pods: [
      pod(),
      stalePod(),
      stalePod({ name: 'z', uid: 'uid-z', labels: { 'pod-template-hash': '88bb' }, ownerReferences: [] }),
    ],
  })
  const { context, seen } = contextOn(DUPLICATES, more, CLEAN)
  await straysRemoved().run(context)
  assert.equal(seen.deleted, [SET])
})
repair.run()
