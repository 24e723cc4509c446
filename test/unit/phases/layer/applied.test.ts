import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ApplyOptions } from '../../../../lib/command-line/options.ts'
import type { PlannedResource } from '../../../../lib/model/layer/planned.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { layerApplied } from '../../../../lib/phases/layer/applied.ts'
import { applyPolicy } from '../../../../lib/phases/layer/policy.ts'
import type { JournalWriter, PhaseRecord } from '../../../../lib/runtime/journal.ts'
import { type Phase, type PhaseState, runPhases } from '../../../../lib/runtime/phases.ts'
import { failedApply, failureOf, layerContext, planOf, type World } from '../../support/layers.ts'
import { BOOT_DISK, DISK, NETWORK, RULE, SUBNET } from './fixture.ts'

const BASE = '00-vpc'
const phase = (layer = BASE, options: ApplyOptions = {}) => layerApplied(layer, applyPolicy(options))
const refusalIn = (state: PhaseState) => {
  if (state.state !== 'refused') throw new Error(`it is ${state.state}, not refused`)
  return state.refusal
}
/** A run of phases that notes their ends. */
async function runs(phases: Phase<Context>[], context: Context) {
  const records: PhaseRecord[] = []
  const writer = {
    journal: { phases: records },
    begin: async () => undefined,
    phase: async (record: PhaseRecord) => void records.push(record),
  } as unknown as JournalWriter
  const run = runPhases(phases, context, writer)
  return { run, records }
}

const checks = suite('layerApplied checks')
for (const [layer, applied, needs] of [
  ['01-k8s', [], '00-vpc'],
  ['02-argocd-app', ['00-vpc'], '01-k8s'],
  ['02-argocd-app', [], '00-vpc'],
] as [string, string[], string][]) {
  checks(`${layer} is deferred while ${needs} is missing: nothing is planned or connected to`, async () => {
    const { context, calls } = layerContext({ applied })
    assert.equal(await phase(layer).check(context), { state: 'unknown', needs: `layer ${needs} to be applied` })
    assert.equal(calls, [])
  })
}
checks('the base layer needs neither a lower layer nor the cluster', async () => {
  const { context, calls } = layerContext({ applied: [], plans: { [BASE]: [planOf(BASE, [NETWORK])] } })
  assert.equal(await phase().check(context), { state: 'todo', changes: [`create ${NETWORK.address}`] })
  assert.equal(calls, [`look at ${BASE}`])
})
checks('any other is planned through the tunnel', async () => {
  const { context, calls } = layerContext()
  await phase('01-k8s').check(context)
  assert.equal(calls, ['tunnel', 'look at 01-k8s'])
})
checks('an empty plan is done', async () => {
  const states = { [BASE]: [{ address: 'a_b.c', type: 'a_b', attributes: {} }] }
  const { context } = layerContext({ states })
  assert.equal(await phase().check(context), { state: 'done', evidence: { serial: 7, resources: 1 } })
})
checks('one that changes only outputs is to do', async () => {
  const plan = planOf(BASE, [], { empty: false, outputsChanged: true })
  const { context } = layerContext({ plans: { [BASE]: [plan] } })
  assert.equal(await phase().check(context), { state: 'todo', changes: ['change outputs only'] })
})

const UPDATE: PlannedResource = { ...NETWORK, actions: ['update'], before: { name: 'the-network' } }
for (const [why, resources, options, world, expected] of [
  ['creates and updates', [NETWORK, UPDATE], {}, {}, 'todo'],
  ['deletes', [RULE], {}, {}, 'refused'],
  ['replaces', [SUBNET], {}, {}, 'refused'],
  ['deletes what is allowed by its address', [RULE], { allowDestroy: [RULE.address] }, {}, 'todo'],
  ['deletes something else than what is allowed', [RULE], { allowDestroy: [SUBNET.address] }, {}, 'refused'],
  ['deletes one more than what is allowed', [RULE, SUBNET], { allowDestroy: [RULE.address] }, {}, 'refused'],
  ['deletes data, allowed', [DISK], { allowDestroy: [DISK.address] }, {}, 'todo'],
  ['deletes data under a guard', [DISK], { allowDestroy: [DISK.address] }, { guards: { destroy: false } }, 'refused'],
  ['deletes data under a guard, by a glob', [DISK], { allowDestroy: ['*'] }, { guards: { destroy: false } }, 'refused'],
  ['deletes no data under a guard', [RULE], { allowDestroy: [RULE.address] }, { guards: { destroy: false } }, 'todo'],
  ['makes a boot disk, the first one', [BOOT_DISK], {}, {}, 'todo'],
  ['makes a lost boot disk empty', [BOOT_DISK], {}, { snapshots: [{ name: 's', sourceDisk: 'old-disk' }] }, 'refused'],
  ['makes it empty as asked', [BOOT_DISK], { fresh: true }, { snapshots: [{ name: 's', sourceDisk: 'old-disk' }] }, 'todo'],
  [
    'makes it empty; an allowance is no restore',
    [BOOT_DISK],
    { allowDestroy: ['*'] },
    { snapshots: [{ name: 's', sourceDisk: 'd' }] },
    'refused',
  ],
] as [string, PlannedResource[], ApplyOptions, World, string][]) {
  checks(`a plan that ${why}: ${expected}`, async () => {
    const { context, calls } = layerContext({ ...world, plans: { [BASE]: [planOf(BASE, resources)] } })
    const found = await phase(BASE, options).check(context)
    assert.is(found.state, expected)
    assert.equal(calls, [`look at ${BASE}`])
    if (expected === 'refused') assert.is(refusalIn(found).code, 4)
  })
}
checks('a refusal names the address, the real name, what it holds, and how to let it through', async () => {
  const { context } = layerContext({
    plans: { [BASE]: [planOf(BASE, [DISK])] },
    snapshots: [{ name: 'the-snapshot', sourceDisk: 'projects/p/zones/z/disks/the-disk' }],
  })
  const { message, hint } = refusalIn(await phase().check(context))
  assert.match(message, 'delete google_compute_disk.data · the-disk · disk, 50 GB, newest snapshot the-snapshot (2 h old)')
  assert.match(hint, '--allow-destroy google_compute_disk.data')
})
checks.run()

const applies = suite('layerApplied runs')
applies('what its check has planned, and nothing else', async () => {
  const plans = [planOf(BASE, [NETWORK]), planOf(BASE, [RULE])]
  const { context, applied } = layerContext({ plans: { [BASE]: plans } })
  const layer = phase()
  await layer.check(context)
  const evidence = await layer.run(context)
  assert.equal(applied.length, 1)
  assert.is(applied[0], plans[0])
  assert.equal(evidence, { serial: 7, resources: 0, changes: [{ address: NETWORK.address, action: 'create' }] })
})
applies('the VM may be another one after the base layer: what is connected to it is closed', async () => {
  for (const [layer, calls] of [
    [BASE, ['disconnect']],
    ['01-k8s', []],
  ] as const) {
    const world = layerContext({ plans: { [layer]: [planOf(layer, [NETWORK])] } })
    const applying = phase(layer)
    await applying.check(world.context)
    await applying.run(world.context)
    assert.equal(world.calls.slice(world.calls.indexOf(`apply ${layer}`) + 1), ['put journals/run-1.json', ...calls])
  }
})
applies('not without a check', async () => {
  const { context, calls } = layerContext()
  try {
    await phase().run(context)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'only after its check')
  }
  assert.equal(calls, [])
})
applies('refused, the run stops with 4, and nothing was applied, published or taken', async () => {
  const world = layerContext({ plans: { [BASE]: [planOf(BASE, [NETWORK, SUBNET])] } })
  let locked = false
  world.context.beforeChange = async () => {
    locked = true
    return true
  }
  const { run, records } = await runs([phase(), phase('01-k8s')], world.context)
  assert.is((await failureOf(run)).code, 4)
  assert.equal(world.calls, [`look at ${BASE}`])
  assert.equal(
    records.map(({ id, status, error }) => [id, status, error?.code]),
    [[`layer/${BASE}`, 'failed', 4]],
  )
  assert.is(locked, false)
})
applies('once the lock is held it is planned anew: that plan is applied', async () => {
  const plans = [planOf(BASE, [NETWORK]), planOf(BASE, [NETWORK])]
  const world = layerContext({ plans: { [BASE]: plans } })
  world.context.beforeChange = async () => true
  await (await runs([phase()], world.context)).run
  assert.is(world.applied[0], plans[1])
  assert.equal(world.calls.slice(0, 2), [`look at ${BASE}`, `look at ${BASE}`])
})
applies('and refused, if by then it destroys something', async () => {
  const world = layerContext({ plans: { [BASE]: [planOf(BASE, [NETWORK]), planOf(BASE, [RULE])] } })
  world.context.beforeChange = async () => true
  assert.is((await failureOf((await runs([phase()], world.context)).run)).code, 4)
  assert.equal(world.applied, [])
})
applies('where the lock was held already, what the check found is applied without another look', async () => {
  const world = layerContext({ plans: { [BASE]: [planOf(BASE, [NETWORK])] } })
  world.context.beforeChange = async () => false
  await (await runs([phase()], world.context)).run
  assert.equal(
    world.calls.filter(call => call.startsWith('look')),
    [`look at ${BASE}`],
  )
})
applies('a failed apply is Terraform’s error, and the phase failed', async () => {
  const error = failedApply({ summary: 'quota exceeded', detail: '', address: NETWORK.address })
  const world = layerContext({ plans: { [BASE]: [planOf(BASE, [NETWORK])] }, applies: [error] })
  const { run, records } = await runs([phase()], world.context)
  assert.is(await failureOf(run), error)
  assert.equal(
    records.map(({ status }) => status),
    ['failed'],
  )
})
applies.run()
