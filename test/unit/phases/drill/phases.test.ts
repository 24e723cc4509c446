import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Facts } from '../../../../lib/model/drill/facts.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { broughtUp } from '../../../../lib/phases/brought-up.ts'
import { abortPhases, drillPhases } from '../../../../lib/phases/drill/phases.ts'
import { layerRebuild } from '../../../../lib/phases/drill/scenarios/layer-rebuild.ts'
import type { Drill } from '../../../../lib/phases/drill/step.ts'
import { journalOf, passedFacts } from '../../model/drill/passed.ts'

const LAYERS = ['00-vpc', '01-k8s', '02-argocd-app']
const scenario = layerRebuild(LAYERS, [])
const FIRST = '02-argocd-app/destroyed'
const SECOND = '01-k8s/destroyed'

/** A drill that was killed once the steps before this one were done. */
function killedBefore(id: string): Drill {
  const done = scenario.steps.slice(
    0,
    scenario.steps.findIndex(step => step.id === id),
  )
  const begun = Object.fromEntries(done.map(step => [step.id, '2025-11-01T14:00:40Z']))
  const facts: Facts = { ...passedFacts(), begun }
  const phases = done.map(step => ({
    id: step.id,
    title: step.title,
    status: 'done' as const,
    startedAt: '2025-11-01T14:00:40Z',
    ms: 1,
  }))
  return { scenario, resumed: true, journal: { ...journalOf(facts), phases }, facts, announcement: {} } as unknown as Drill
}

/** Every layer is applied, as after an `up`. */
const applied = {
  terraform: { layers: LAYERS, resources: async () => [], state: async () => ({ applied: true, serial: 1 }) },
} as unknown as Context

const checked = async (drill: Drill, id: string) => {
  const phase = drillPhases(drill).find(each => each.id === id)
  assert.ok(phase)
  return phase.check(applied)
}

const phases = suite('a drill that was killed and then met an `up`')
phases('what must be destroyed next has a layer above again: it says how to get out', async () => {
  const found = await checked(killedBefore(SECOND), SECOND)
  assert.is(found.state, 'refused')
  if (found.state !== 'refused') return
  assert.is(found.refusal.code, 4)
  assert.match(found.refusal.message, 'layer 02-argocd-app')
  assert.match(found.refusal.hint, 'dr-drill -- --abort')
})
phases('in a dry run, what an earlier step is yet to bring about is unknown', async () => {
  assert.is((await checked(killedBefore(FIRST), SECOND)).state, 'unknown')
})
for (const id of ['loss-seen', '00-vpc/untouched']) {
  phases(`${id} is about what was destroyed, which is there again: it says how to get out`, async () => {
    const found = await checked(killedBefore(id), id)
    assert.is(found.state, 'refused')
    if (found.state !== 'refused') return
    assert.is(found.refusal.code, 4)
    assert.match(found.refusal.message, 'layer 01-k8s')
    assert.match(found.refusal.hint, 'dr-drill -- --abort')
  })
  phases(`${id} of a drill that nobody has overtaken is done`, async () => {
    const phase = drillPhases(killedBefore(id)).find(each => each.id === id)
    const state = async (layer: string) => ({ applied: layer === '00-vpc', serial: 1 })
    const context = { terraform: { layers: LAYERS, resources: async () => [], state } } as unknown as Context
    assert.is((await phase?.check(context))?.state, 'todo')
  })
}
phases('an abort does what `up` does, on a VM that is new as well, and cleans up', () => {
  const environment = { snapshots: { after: ['01-k8s'] }, verify: { deadline: 1 } }
  const context = { ...applied, environment } as unknown as Context
  const ids = (of: readonly { id: string }[]) => of.map(({ id }) => id)
  assert.equal(ids(abortPhases(killedBefore(SECOND), context)), [...ids(broughtUp(context)), 'clean-up'])
  for (const id of ['layer/00-vpc', 'k0s/running', 'kubeconfig', 'snapshot/01-k8s', 'layer/02-argocd-app', 'verified'])
    assert.ok(ids(broughtUp(context)).includes(id), id)
})
phases.run()
