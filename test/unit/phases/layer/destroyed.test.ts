import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PlannedResource } from '../../../../lib/model/layer/planned.ts'
import { type Announcement, announce } from '../../../../lib/phases/layer/announcement.ts'
import { layerDestroyed } from '../../../../lib/phases/layer/destroyed.ts'
import type { PhaseState } from '../../../../lib/runtime/phases.ts'
import { planned } from '../../model/layer/fixture.ts'
import {
  failedApply,
  failureOf,
  interruption,
  layerContext,
  lockedBy,
  planOf,
  type StateResource,
  stalePlan,
  type World,
} from '../../support/layers.ts'
import { DISK, RULE } from './fixture.ts'

const BASE = '00-vpc'
const held = ({ address, type, before }: PlannedResource, more: Partial<StateResource> = {}): StateResource => ({
  ...{ address, type, attributes: before ?? {} },
  ...more,
})
const gone = (...resources: PlannedResource[]) => planOf(BASE, resources, { destroy: true })
const ALL = gone(RULE, DISK)
const STATES = { [BASE]: [held(RULE), held(DISK)] }
const OTHER = planned('google_compute_firewall.other', ['delete'], { name: 'other' })

/** Only the base layer is applied; its destruction was announced and agreed to, unless told. */
async function destroying(world: World = {}, { isAgreed = true, guard = 'destroy' as Announcement['guard'] } = {}) {
  const there = layerContext({ applied: [BASE], states: STATES, plans: { [BASE]: [ALL] }, ...world })
  const announcement: Announcement = { layers: [BASE], guard }
  if (isAgreed) await announce(announcement, there.context)
  there.calls.length = 0
  return { ...there, announcement, phase: layerDestroyed(BASE, announcement) }
}
const refusalIn = (state: PhaseState) => {
  if (state.state !== 'refused') throw new Error(`it is ${state.state}, not refused`)
  return state.refusal
}
const LOOK = `look at ${BASE} destroyed`
const PLAN = `plan ${BASE} destroyed within 0 s`

const checks = suite('layerDestroyed checks')
checks('a layer that is not applied is done', async () => {
  const { phase, context, calls } = await destroying({ applied: [] })
  assert.equal(await phase.check(context), { state: 'done', evidence: { serial: 7 } })
  assert.equal(calls, [])
})
for (const [above, needs] of [
  [['01-k8s'], '01-k8s'],
  [['02-argocd-app'], '02-argocd-app'],
  [['01-k8s', '02-argocd-app'], '02-argocd-app'],
] as [string[], string][]) {
  checks(`deferred while ${above.join(' and ')} stands on it`, async () => {
    const { phase, context, calls } = await destroying({ applied: [BASE, ...above] })
    assert.equal(await phase.check(context), { state: 'unknown', needs: `layer ${needs} to be destroyed first` })
    assert.equal(calls, [])
  })
}
checks('what was announced is to be done, each thing by its name', async () => {
  const { phase, context, calls } = await destroying()
  assert.equal(await phase.check(context), {
    state: 'todo',
    changes: ['delete google_compute_firewall.ssh · the-rule', 'delete google_compute_disk.data · the-disk'],
  })
  assert.equal(calls, [LOOK])
})
checks('a layer in the cluster is planned through the tunnel', async () => {
  const { context, calls } = layerContext({ applied: [BASE, '01-k8s'], plans: { '01-k8s': [planOf('01-k8s', [RULE])] } })
  await layerDestroyed('01-k8s', { layers: ['01-k8s'], guard: 'destroy' }).check(context)
  assert.equal(calls, ['tunnel', 'look at 01-k8s destroyed'])
})
checks('a dry run, in which nobody was asked, shows all that the layer holds', async () => {
  const { phase, context, consents } = await destroying({}, { isAgreed: false })
  assert.is((await phase.check(context)).state, 'todo')
  assert.equal(consents, [])
})
for (const [why, plan, states] of [
  ['something was made since', gone(RULE, DISK, OTHER), STATES],
  ['another object has the address', gone(RULE), { [BASE]: [held(RULE, { attributes: { name: 'its-predecessor' } })] }],
  ['a deposed object is there, too', gone(RULE, { ...RULE, deposed: 'ab12' }), { [BASE]: [held(RULE)] }],
  ['nothing was there when it was announced', gone(RULE), {}],
] as [string, typeof ALL, World['states']][]) {
  checks(`what was not announced is refused: ${why}`, async () => {
    const { phase, context, calls } = await destroying({ ...(states && { states }), plans: { [BASE]: [plan] } })
    const { code, message } = refusalIn(await phase.check(context))
    assert.is(code, 4)
    assert.match(message, 'was not announced')
    assert.equal(calls, [LOOK])
  })
}
checks('what is gone already need not be destroyed', async () => {
  const { phase, context } = await destroying({ plans: { [BASE]: [gone(RULE)] } })
  assert.is((await phase.check(context)).state, 'todo')
})
for (const [guard, guards, isRefused] of [
  ['destroy', { destroy: false }, true],
  ['drills', { drills: false }, true],
  ['drills', { destroy: false }, false],
] as const) {
  checks(`data go by guards.${guard}, where ${Object.keys(guards)} is false: ${isRefused ? 'refused' : 'passes'}`, async () => {
    const { phase, context } = await destroying({}, { guard })
    // The environment's file has been changed since.
    Object.assign(context.environment.guards, guards)
    const found = await phase.check(context)
    assert.is(found.state, isRefused ? 'refused' : 'todo')
    if (isRefused) assert.match(refusalIn(found).message, 'holds data')
  })
}
const NAMESPACE: StateResource = {
  address: 'kubectl_manifest.threads',
  type: 'kubectl_manifest',
  attributes: { yaml_body_parsed: 'apiVersion: v1\nkind: Namespace\nmetadata: { name: threads }\n' },
}
const HELD: World = {
  states: { '01-k8s': [NAMESPACE] },
  cluster: { persistentvolumeclaims: [{ metadata: { name: 'pg', namespace: 'threads', uid: 'u' } }] },
}
for (const applied of [['01-k8s'], ['01-k8s', '02-argocd-app']]) {
  checks(`a dry run warns of the data that goes, with ${applied.join(' and ')} applied`, async () => {
    const { context, warnings } = layerContext({ ...HELD, applied })
    await layerDestroyed('01-k8s', { layers: ['01-k8s'], guard: 'drills' }).check(context)
    assert.equal(warnings, ['01-k8s: its destruction takes along namespace threads, and with it the data of its claim pg'])
  })
}
checks('what an announcement has said is not said again', async () => {
  const { context, warnings } = layerContext({ ...HELD, applied: ['01-k8s'] })
  await layerDestroyed('01-k8s', { layers: ['01-k8s'], guard: 'drills', agreed: {} }).check(context)
  assert.equal(warnings, [])
})
checks('what is gone takes nothing along', async () => {
  const { context, warnings } = layerContext({ ...HELD, applied: [] })
  await layerDestroyed('01-k8s', { layers: ['01-k8s'], guard: 'drills' }).check(context)
  assert.equal(warnings, [])
})
checks.run()

const runs = suite('layerDestroyed runs')
runs('exactly what its check planned; what is connected to the VM is closed before', async () => {
  const { phase, context, calls, applied } = await destroying()
  await phase.check(context)
  const evidence = await phase.run(context)
  assert.equal(calls, [LOOK, 'disconnect', `apply ${BASE}`])
  assert.is(applied[0], ALL)
  assert.equal(evidence, { serial: 7, destroyed: [RULE.address, DISK.address] })
})
runs('a layer in the cluster, through what stays connected', async () => {
  const { context, calls } = layerContext({ applied: [BASE, '01-k8s'], plans: { '01-k8s': [planOf('01-k8s')] } })
  const announcement: Announcement = { layers: ['01-k8s'], guard: 'destroy' }
  await announce(announcement, context)
  const phase = layerDestroyed('01-k8s', announcement)
  await phase.check(context)
  await phase.run(context)
  assert.not(calls.includes('disconnect'))
})
runs('nothing that was not announced, even after a check', async () => {
  const { phase, context, applied, calls } = await destroying({}, { isAgreed: false })
  await phase.check(context)
  const { code, message } = await failureOf(phase.run(context))
  assert.is(code, 4)
  assert.match(message, 'was not announced')
  assert.equal([applied, calls], [[], [LOOK]])
})
runs('nothing of a layer that was not among those announced', async () => {
  const { announcement, context, applied } = await destroying({ applied: [BASE, '01-k8s'] })
  const other = layerDestroyed('01-k8s', announcement)
  await other.check(context)
  assert.is((await failureOf(other.run(context))).code, 4)
  assert.equal(applied, [])
})
runs('not without a check', async () => {
  const { phase, context, applied } = await destroying()
  try {
    await phase.run(context)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'only after its check')
  }
  assert.equal(applied, [])
})
for (const [why, error] of [
  ['a plan that is stale', stalePlan()],
  ['a state that is locked', lockedBy('bob@far')],
] as const) {
  runs(`${why}: planned again behind the lock, and that is destroyed`, async () => {
    const second = gone(RULE)
    const { phase, context, calls, applied } = await destroying({ plans: { [BASE]: [ALL, second] }, applies: [error] })
    await phase.check(context)
    const evidence = await phase.run(context)
    assert.equal(calls, [LOOK, 'disconnect', `apply ${BASE}`, PLAN, `apply ${BASE}`])
    assert.is(applied[1], second)
    assert.equal(evidence, { serial: 7, destroyed: [RULE.address] })
  })
  runs(`${why}: what the next plan has beyond what was announced is refused`, async () => {
    const world = { plans: { [BASE]: [ALL, gone(RULE, DISK, OTHER)] }, applies: [error] }
    const { phase, context, applied } = await destroying(world)
    await phase.check(context)
    const { code, message } = await failureOf(phase.run(context))
    assert.is(code, 4)
    assert.match(message, OTHER.address)
    assert.equal(applied, [ALL])
  })
}
for (const [why, error] of [
  ['Terraform fails', failedApply({ summary: 'the network is in use', detail: '', address: RULE.address })],
  ['it is interrupted', interruption()],
] as const) {
  runs(`${why}: nothing is tried again`, async () => {
    const { phase, context, applied } = await destroying({ applies: [error] })
    await phase.check(context)
    assert.is(await failureOf(phase.run(context)), error)
    assert.is(applied.length, 1)
  })
}
runs.run()
