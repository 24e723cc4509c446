import { Command } from 'commander'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ApplyOptions, applyOptions } from '../../../../lib/command-line/options.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { layerApplied } from '../../../../lib/phases/layer/applied.ts'
import { destructionJudged } from '../../../../lib/phases/layer/judged.ts'
import { applyPolicy, permissionsOf } from '../../../../lib/phases/layer/policy.ts'
import { configuration, precondition } from '../../../../lib/runtime/errors.ts'
import type { JournalWriter } from '../../../../lib/runtime/journal.ts'
import { type Phase, type PhaseState, runPhases } from '../../../../lib/runtime/phases.ts'
import { planned } from '../../model/layer/fixture.ts'
import { failedApply, failureOf, interruption, LAYERS, layerContext, planOf, type World } from '../../support/layers.ts'
import { DISK, NETWORK, RULE, SUBNET } from './fixture.ts'

/** A namespace to be made: the cluster is asked whether it is there. */
const NAMESPACE = planned('kubernetes_namespace.threads', ['create'], { metadata: [{ name: 'threads' }] })

const judge = (world: World, options: ApplyOptions = {}, layers = LAYERS) => {
  const there = layerContext(world)
  return { ...there, found: destructionJudged(layers, applyPolicy(options)).check(there.context) }
}
const evidence = (state: PhaseState) => {
  if (state.state !== 'done') throw new Error(`it is ${state.state}, not done`)
  return state.evidence as { judged: string[]; later: string[]; permitted: string[] }
}

const judges = suite('destructionJudged')
judges('every layer that can be planned, in their order, without a lock', async () => {
  const { found, calls } = judge({})
  assert.equal(evidence(await found), { judged: LAYERS, later: [], permitted: [] })
  assert.equal(calls, ['look at 00-vpc', 'tunnel', 'look at 01-k8s', 'tunnel', 'look at 02-argocd-app'])
})
for (const [why, world, judged] of [
  ['nothing is applied yet', { applied: [] }, ['00-vpc']],
  ['a layer in between is missing', { applied: ['00-vpc'] }, ['00-vpc', '01-k8s']],
  ['the VM is off', { vm: 'TERMINATED' }, ['00-vpc']],
  [
    'what it would make cannot be looked for, as before k0s is there',
    { plans: { '01-k8s': [planOf('01-k8s', [NAMESPACE])] } },
    ['00-vpc'],
  ],
  ['a plan fails for now', { plans: { '01-k8s': [failedApply({ summary: 'no connection', detail: '' })] } }, ['00-vpc']],
] as [string, World, string[]][]) {
  judges(`what can only be planned later is judged when it is its turn: ${why}`, async () => {
    const later = LAYERS.filter(layer => !judged.includes(layer))
    assert.equal(evidence(await judge(world).found), { judged, later, permitted: [] })
  })
}
/** A context whose plans are made when told to. */
function gated(world: World = {}) {
  const there = layerContext(world)
  const gates = new Map(LAYERS.map(layer => [layer, Promise.withResolvers<void>()]))
  const begun: string[] = []
  const plan: typeof there.context.terraform.plan = async (layer, options) => {
    begun.push(layer)
    options?.onUnderway?.()
    await gates.get(layer)?.promise
    return there.context.terraform.plan(layer, options)
  }
  const context = { ...there.context, terraform: { ...there.context.terraform, plan } }
  return { ...there, context, begun, end: (layer: string) => gates.get(layer)?.resolve() }
}
const soon = () => new Promise(resolve => setTimeout(resolve, 5))
judges('the plans are made at the same time, each once', async () => {
  const { context, begun, end } = gated()
  const policy = applyPolicy()
  const found = destructionJudged(LAYERS, policy).check(context)
  await soon()
  assert.equal(begun, LAYERS)
  for (const layer of LAYERS.toReversed()) end(layer)
  assert.equal(evidence(await found).judged, LAYERS)
  const states = await Promise.all(LAYERS.map(layer => layerApplied(layer, policy).check(context)))
  assert.equal(
    states.map(({ state }) => state),
    ['done', 'done', 'done'],
  )
  assert.equal(begun, LAYERS)
})
judges('Google’s client, whose opening stops everything else, is opened once Terraform works by itself', async () => {
  const { context } = layerContext()
  let underway = (): void => undefined
  let asked = 0
  const plan: typeof context.terraform.plan = async (layer, options = {}) => {
    if (layer !== '00-vpc') return context.terraform.plan(layer, options)
    await new Promise<void>(resolve => {
      underway = () => {
        options.onUnderway?.()
        resolve()
      }
    })
    return context.terraform.plan(layer, options)
  }
  const compute = () => {
    asked++
    return context.compute()
  }
  const found = destructionJudged(LAYERS, applyPolicy()).check({
    ...context,
    compute,
    terraform: { ...context.terraform, plan },
  })
  await soon()
  assert.is(asked, 0)
  underway()
  assert.equal(evidence(await found).judged, LAYERS)
  assert.ok(asked > 0)
})
judges('what is asked for while it is being made is not made again', async () => {
  const { context, begun, end } = gated()
  const policy = applyPolicy()
  const both = Promise.all([1, 2].map(() => layerApplied('01-k8s', policy).check(context)))
  await soon()
  end('01-k8s')
  await both
  assert.equal(begun, ['01-k8s'])
})
judges('a refusal of the lower one is said before the upper one is there', async () => {
  const { context, end } = gated({ plans: { '00-vpc': [planOf('00-vpc', [RULE])] } })
  const found = destructionJudged(LAYERS, applyPolicy()).check(context)
  await soon()
  end('00-vpc')
  assert.is((await found).state, 'refused')
})
judges('a base layer that does not say which VM is its own, until it is applied again', async () => {
  const { context } = layerContext()
  const output = () => Promise.reject(precondition('layer 00-vpc has no output "vm_name"', 'apply the layer again'))
  const state = await destructionJudged(LAYERS, applyPolicy()).check({ ...context, output })
  assert.equal(evidence(state).judged, ['00-vpc'])
})
for (const [why, error] of [
  ['an interruption', interruption()],
  ['a mistake in the configuration', configuration('the bucket is another one', 'correct it')],
  ['a bug', new TypeError('x is undefined')],
] as const) {
  judges(`${why} is no reason to wait`, async () => {
    try {
      await judge({ plans: { '01-k8s': [error] } }).found
      assert.unreachable()
    } catch (thrown) {
      assert.is(thrown, error)
    }
  })
}
judges('the base layer’s plan fails: nothing can be said', async () => {
  const error = failedApply({ summary: 'no credentials', detail: '' })
  assert.is(await failureOf(judge({ plans: { '00-vpc': [error] } }).found), error)
})
judges('what a higher layer destroys is refused before any layer is applied', async () => {
  const world = {
    plans: { '00-vpc': [planOf('00-vpc', [NETWORK])], '01-k8s': [planOf('01-k8s', [SUBNET])] },
  }
  const { context, calls } = layerContext(world)
  const policy = applyPolicy()
  const phases = [destructionJudged(LAYERS, policy), ...LAYERS.map(layer => layerApplied(layer, policy))]
  assert.is((await failureOf(run(phases, context))).code, 4)
  assert.equal(calls, ['look at 00-vpc', 'tunnel', 'look at 01-k8s', 'tunnel', 'look at 02-argocd-app'])
})
judges('what is allowed passes, and is named', async () => {
  const world = { plans: { '00-vpc': [planOf('00-vpc', [RULE])], '01-k8s': [planOf('01-k8s', [SUBNET])] } }
  const { found, warnings } = judge(world, { allowDestroy: [RULE.address, SUBNET.address] })
  assert.equal(evidence(await found).permitted, [RULE.address, SUBNET.address])
  assert.equal(warnings, [])
})
judges('data under a guard are not', async () => {
  const plans = { '00-vpc': [planOf('00-vpc', [DISK])] }
  const { found } = judge({ plans, guards: { destroy: false } }, { allowDestroy: [DISK.address] })
  assert.is((await found).state, 'refused')
})
judges('an allowance that means nothing is warned of, once every layer is known', async () => {
  const options = { allowDestroy: [RULE.address, 'google_compute_firewall.sssh'] }
  const plans = { '00-vpc': [planOf('00-vpc', [RULE])] }
  const all = judge({ plans }, options)
  await all.found
  assert.equal(all.warnings, ["--allow-destroy 'google_compute_firewall.sssh' means nothing that would be destroyed"])
  const some = judge({ plans, vm: 'TERMINATED' }, options)
  await some.found
  assert.equal(some.warnings, [])
})
judges('only of the layers that were asked for', async () => {
  const { found, calls } = judge({}, {}, ['01-k8s'])
  assert.equal(evidence(await found).judged, ['01-k8s'])
  assert.equal(calls, ['tunnel', 'look at 01-k8s'])
})
judges.run()

const run = (phases: Phase<Context>[], context: Context) =>
  runPhases(phases, context, {
    journal: { phases: [] },
    begin: async () => undefined,
    phase: async () => undefined,
  } as unknown as JournalWriter)
const looksIn = (calls: string[]) => calls.filter(call => call.startsWith('look'))

const plans = suite('a layer’s plan')
plans('is made once for the judgement and the layer, as long as nothing is changed', async () => {
  const { context, calls } = layerContext()
  const policy = applyPolicy()
  await run([destructionJudged(LAYERS, policy), ...LAYERS.map(layer => layerApplied(layer, policy))], context)
  assert.equal(
    looksIn(calls),
    LAYERS.map(layer => `look at ${layer}`),
  )
})
plans('is made again once a layer was applied: for the layers after it', async () => {
  const made = { '00-vpc': [planOf('00-vpc', [NETWORK])] }
  const { context, calls, applied } = layerContext({ plans: made })
  const policy = applyPolicy()
  await run([destructionJudged(LAYERS, policy), ...LAYERS.map(layer => layerApplied(layer, policy))], context)
  assert.is(applied[0], made['00-vpc'][0])
  assert.equal(
    looksIn(calls),
    [...LAYERS, '01-k8s', '02-argocd-app'].map(layer => `look at ${layer}`),
  )
})
plans('is made again once the lock was taken: what was judged before is judged again', async () => {
  const made = { '00-vpc': [planOf('00-vpc', [NETWORK]), planOf('00-vpc', [NETWORK, RULE])] }
  const { context, calls, applied } = layerContext({ plans: made })
  context.beforeChange = async () => true
  const policy = applyPolicy()
  const running = run([destructionJudged(['00-vpc'], policy), layerApplied('00-vpc', policy)], context)
  assert.is((await failureOf(running)).code, 4)
  assert.equal(calls, ['look at 00-vpc', 'look at 00-vpc'])
  assert.equal(applied, [])
})
plans('is another one for each run', async () => {
  const { context, calls } = layerContext()
  await applyPolicy().plan('00-vpc', context)
  await applyPolicy().plan('00-vpc', context)
  assert.is(looksIn(calls).length, 2)
})
plans('is judged again where the judgement failed', async () => {
  const { context } = layerContext({ plans: { '01-k8s': [planOf('01-k8s', [NAMESPACE])] } })
  const policy = applyPolicy()
  const plan = await policy.plan('01-k8s', context)
  await failureOf(policy.judge(plan, context))
  const cluster = layerContext({ cluster: {} }).context.cluster
  assert.equal(await policy.judge(plan, { ...context, cluster }), { permitted: [] })
})
plans('that failed is not kept', async () => {
  const plan = planOf('00-vpc')
  const { context } = layerContext({ plans: { '00-vpc': [failedApply({ summary: 'away', detail: '' }), plan] } })
  const policy = applyPolicy()
  await failureOf(policy.plan('00-vpc', context))
  assert.is(await policy.plan('00-vpc', context), plan)
})
plans.run()

const options = suite('applyOptions')
for (const [argv, expected] of [
  [[], {}],
  [['--allow-destroy', 'a.b'], { allowDestroy: ['a.b'] }],
  [['--allow-destroy', 'a.b', '--fresh', '--allow-destroy', 'c["x"]'], { allowDestroy: ['a.b', 'c["x"]'], fresh: true }],
] as const) {
  options(argv.join(' ') || 'none', () => {
    assert.equal(applyOptions(new Command()).parse(argv, { from: 'user' }).opts(), expected)
  })
}
options('what nobody asks for is not permitted', () => {
  const { context } = layerContext()
  assert.equal(permissionsOf(applyPolicy(), context), { allow: [], fresh: false, guarded: false })
})
options('a guard of the environment guards', () => {
  const { context } = layerContext({ guards: { destroy: false } })
  assert.equal(permissionsOf(applyPolicy({ allowDestroy: ['*'], fresh: true }), context), {
    ...{ allow: ['*'], fresh: true, guarded: true },
  })
})
options.run()
