import { spawn } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ApplyOptions } from '../../../../lib/command-line/options.ts'
import { operator } from '../../../../lib/operation/operator.ts'
import { applyPlan } from '../../../../lib/phases/layer/apply.ts'
import { applyPolicy } from '../../../../lib/phases/layer/policy.ts'
import { precondition } from '../../../../lib/runtime/errors.ts'
import { identityOf } from '../../../../lib/runtime/processes.ts'
import type { Holder, Plan } from '../../../../lib/terraform/terraform.ts'
import {
  failedApply,
  failureOf,
  interruption,
  layerContext,
  lockedBy,
  planOf,
  stalePlan,
  type World,
} from '../../support/layers.ts'
import { fakeStore } from '../../support/store.ts'
import { DISK, NETWORK, RULE } from './fixture.ts'

const LAYER = '00-vpc'
const PUT = 'put journals/run-1.json'
/** This process, working on that journal. */
const RUN = `run-1 ${new Date(performance.timeOrigin).toISOString()}`
const CREATES = planOf(LAYER, [NETWORK])
const DELETES = planOf(LAYER, [RULE])
const EMPTY = planOf(LAYER)
/** What Google says of a network that is there already. */
const EXISTS = failedApply({
  summary: "Error creating Network: googleapi: Error 409: The resource 'projects/p/global/networks/the-network' already exists",
  detail: '',
  address: NETWORK.address,
})
const ADOPTED = `adopt ${LAYER} ${NETWORK.address} by projects/p/global/networks/the-network`

const apply = (world: World, first: Plan = CREATES, options: ApplyOptions = {}) => {
  const there = layerContext({ now: TODAY, ...world })
  return { ...there, done: applyPlan(first, applyPolicy(options), there.context) }
}
const INTENT = { layer: LAYER, address: NETWORK.address, type: NETWORK.type, name: 'the-network' }
/** A bucket in which a run of an earlier day says that it was about to make the network, and no more. */
async function afterKilledRun() {
  const store = fakeStore()
  // It hangs until its process is killed.
  const killed = layerContext({ store, run: 'killed', now: EARLIER, applies: [() => new Promise(() => undefined)] })
  void applyPlan(CREATES, applyPolicy(), killed.context)
  while (!killed.calls.includes(`apply ${LAYER}`)) await new Promise(setImmediate)
  return store
}
/** What a record says of the network. */
const RECORDED = { address: NETWORK.address, name: 'the-network' }
const TODAY = new Date()
/** Before this process began. */
const EARLIER = new Date('2025-10-01T12:00:00Z')

const applies = suite('applyPlan')
applies('what is about to be made is published before, what the state holds after', async () => {
  const states = { [LAYER]: [{ address: NETWORK.address, type: NETWORK.type, attributes: { name: 'the-network' } }] }
  const { done, calls, facts } = apply({ states })
  await done
  assert.equal(calls, [PUT, `apply ${LAYER}`, PUT])
  const at = TODAY.toISOString()
  assert.equal(facts, {
    intents: [{ ...INTENT, run: RUN, at }],
    records: [{ layer: LAYER, run: RUN, at, objects: [RECORDED] }],
  })
})
applies('where nothing is made there is nothing to intend', async () => {
  const { done, calls, facts } = apply({}, DELETES, { allowDestroy: [RULE.address] })
  await done
  assert.equal(calls, ['consent', `apply ${LAYER}`, PUT])
  assert.equal(Object.keys(facts), ['records'])
})
applies('a run without a journal publishes nothing', async () => {
  const { done, calls } = apply({ run: null })
  await done
  assert.equal(calls, [`apply ${LAYER}`])
})
applies('a run that is killed leaves its intents and no record', async () => {
  const store = await afterKilledRun()
  const { facts } = JSON.parse(store.objects.get('journals/killed.json')?.content ?? '')
  assert.equal(Object.keys(facts), ['intents'])
})
for (const [why, error] of [
  ['is interrupted', interruption()],
  ['could not store its state', failedApply({ summary: 'Failed to save state', detail: 'see errored.tfstate' })],
  ['has a bug', new TypeError('x is undefined')],
] as const) {
  applies(`a run that ${why} leaves no record either, and is not tried again`, async () => {
    const { done, calls, facts } = apply({ applies: [error] })
    try {
      await done
      assert.unreachable()
    } catch (thrown) {
      assert.is(thrown, error)
    }
    assert.equal(calls, [PUT, `apply ${LAYER}`])
    assert.equal(Object.keys(facts), ['intents'])
  })
}
applies('any other failure of Terraform is recorded, and is the failure', async () => {
  const error = failedApply({ summary: 'quota exceeded', detail: '', address: NETWORK.address })
  const { done, calls } = apply({ applies: [error] })
  assert.is(await failureOf(done), error)
  assert.equal(calls, [PUT, `apply ${LAYER}`, PUT])
})
applies.run()

const consents = suite('applyPlan destroys')
consents('nothing that was not allowed; nothing is published or applied', async () => {
  const { done, calls } = apply({}, DELETES)
  assert.is((await failureOf(done)).code, 4)
  assert.equal(calls, [])
})
consents('what was allowed by its address, once the operator was asked where names are typed', async () => {
  const { done, calls, consents: asked, applied } = apply({}, DELETES, { allowDestroy: [RULE.address] })
  await done
  assert.equal(calls.slice(0, 2), ['consent', `apply ${LAYER}`])
  assert.equal(asked, [{ question: `Let ${LAYER} destroy ${RULE.address}`, destroys: true, requested: true }])
  assert.is(applied[0], DELETES)
})
consents('nothing without the operator’s word', async () => {
  const { context, calls } = layerContext()
  context.consent = async () => {
    throw precondition('not confirmed', 'run it again when you mean it')
  }
  const policy = applyPolicy({ allowDestroy: ['*'] })
  assert.is((await failureOf(applyPlan(planOf(LAYER, [NETWORK, RULE]), policy, context))).code, 4)
  assert.equal(calls, [])
})
consents('no data under a guard, whatever is allowed', async () => {
  const { done, calls } = apply({ guards: { destroy: false } }, planOf(LAYER, [DISK]), { allowDestroy: ['*'] })
  assert.is((await failureOf(done)).code, 4)
  assert.equal(calls, [])
})
consents('and is not asked about where nothing is destroyed', async () => {
  const { done, calls } = apply({}, CREATES, { allowDestroy: ['*'] })
  await done
  assert.not(calls.includes('consent'))
})
consents.run()

const PLAN_AGAIN = `plan ${LAYER} within 0 s`
const HELD = lockedBy('bob@far')
const OWN = lockedBy(operator())
const again = suite('applyPlan plans again')
again('a plan that is stale: the new one is applied, behind the lock', async () => {
  const second = planOf(LAYER, [NETWORK])
  const { done, calls, applied } = apply({ plans: { [LAYER]: [second] }, applies: [stalePlan()] })
  await done
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`, PLAN_AGAIN, `apply ${LAYER}`],
  )
  assert.is(applied[1], second)
})
again('and is judged again: what it destroys is refused', async () => {
  const { done, applied } = apply({ plans: { [LAYER]: [planOf(LAYER, [NETWORK, RULE])] }, applies: [stalePlan()] })
  assert.is((await failureOf(done)).code, 4)
  assert.equal(applied, [CREATES])
})
again('or passes, if it was allowed, and the operator agrees to that one too', async () => {
  const world = { plans: { [LAYER]: [planOf(LAYER, [RULE])] }, applies: [stalePlan()] }
  const { done, calls } = apply(world, CREATES, { allowDestroy: [RULE.address] })
  await done
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`, PLAN_AGAIN, 'consent', `apply ${LAYER}`],
  )
})
again('a lost disk is refused by then, too', async () => {
  const boot = {
    ...DISK,
    address: 'google_compute_disk.boot',
    actions: ['create'],
    before: null,
    after: { name: 'b', image: 'i' },
  }
  const world = {
    plans: { [LAYER]: [planOf(LAYER, [boot])] },
    applies: [stalePlan()],
    snapshots: [{ name: 's', sourceDisk: 'b' }],
  }
  assert.match((await failureOf(apply(world).done)).message, 'would make an empty disk')
})
again('nothing is left to do: that is the end, and it is recorded', async () => {
  const { done, calls, facts } = apply({ plans: { [LAYER]: [EMPTY] }, applies: [stalePlan()] })
  await done
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`, PLAN_AGAIN],
  )
  assert.equal(Object.keys(facts), ['intents', 'records'])
})
again('a lock that somebody else holds is waited for, and named', async () => {
  const { done, calls, progress } = apply({ plans: { [LAYER]: [HELD, CREATES] }, applies: [HELD] })
  await done
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`, PLAN_AGAIN, `plan ${LAYER}`, `apply ${LAYER}`],
  )
  assert.match(progress.join(), 'waiting for the state lock that bob@far has held since 2025-11-01 11:59:00 UTC')
})
const BEGAN = Date.parse('2025-11-01T11:59:00Z')
const KILLED: Holder = { process: { ...identityOf(process.pid), pid: 2 ** 22 + 1 }, began: BEGAN }

again('one of a dead process of this machine is freed', async () => {
  const { done, calls, warnings } = apply({ plans: { [LAYER]: [OWN, OWN, CREATES] }, applies: [OWN], holders: [KILLED] })
  await done
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`, PLAN_AGAIN, PLAN_AGAIN, `unlock ${LAYER} 123`, `plan ${LAYER}`, `apply ${LAYER}`],
  )
  assert.match(warnings.join(), 'is dead')
})
again('one of a Terraform of this checkout that still works is waited for, and the Terraform is named', async () => {
  const other = spawn('sleep', ['1.5'], { stdio: 'ignore' })
  const holder: Holder = { process: identityOf(other.pid ?? 0), began: BEGAN }
  let endedFirst = false
  const { done, calls, progress } = apply({ plans: { [LAYER]: [OWN, CREATES] }, applies: [OWN], holders: [holder] })
  other.once('exit', () => {
    endedFirst = !calls.slice(calls.indexOf(PLAN_AGAIN) + 1).some(call => call.startsWith('plan'))
  })
  await done
  assert.ok(endedFirst)
  assert.match(progress.join(), `waiting for Terraform (pid ${other.pid}) of an earlier run to end`)
  // It has freed the lock itself.
  assert.not(calls.some(call => call.startsWith('unlock')))
})
for (const [name, holders] of [
  ['of another checkout', []],
  ['taken long after ours began', [{ ...KILLED, began: BEGAN - 600_000 }]],
  ['of another machine or boot', [{ ...KILLED, process: { ...KILLED.process, space: 'elsewhere' } }]],
] as [string, Holder[]][])
  again(`one ${name} is not, but waited for`, async () => {
    const { done, calls, progress } = apply({ plans: { [LAYER]: [OWN, CREATES] }, applies: [OWN], holders })
    await done
    assert.not(calls.some(call => call.startsWith('unlock')))
    assert.match(progress.join(), `waiting for the state lock that ${operator()} has held since`)
  })
again('a lock that is not freed in time is the failure', async () => {
  const { done, applied } = apply({ plans: { [LAYER]: [HELD] }, applies: [HELD] })
  assert.is(await failureOf(done), HELD)
  assert.is(applied.length, 1)
})
again('a state that never stands still is given up', async () => {
  const { done, applied } = apply({
    plans: { [LAYER]: [CREATES] },
    applies: Array.from({ length: 20 }, () => stalePlan()),
  })
  assert.is((await failureOf(done)).code, 4)
  assert.is(applied.length, 8)
})
again.run()

const existing = suite('applyPlan meets what exists already')
existing('made by a run that was killed: it is taken in, and the rest is planned and applied', async () => {
  const rest = planOf(LAYER, [{ ...NETWORK, address: 'google_compute_network.other' }])
  const world = { store: await afterKilledRun(), plans: { [LAYER]: [rest] }, applies: [EXISTS] }
  const { done, calls, applied } = apply(world)
  await done
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`, ADOPTED, PLAN_AGAIN, `apply ${LAYER}`],
  )
  assert.is(applied[1], rest)
})
existing('the plan after that is judged again: importing shows what it would destroy', async () => {
  const world = {
    store: await afterKilledRun(),
    plans: { [LAYER]: [planOf(LAYER, [{ ...NETWORK, actions: ['delete', 'create'], before: NETWORK.after }])] },
    applies: [EXISTS],
  }
  const { done, calls, applied } = apply(world)
  const { code, message } = await failureOf(done)
  assert.is(code, 4)
  assert.match(message, `replace ${NETWORK.address}`)
  assert.equal([calls.includes(ADOPTED), applied.length], [true, 1])
})
existing('nothing is left to do: what was taken in is recorded', async () => {
  const { done, facts } = apply({ store: await afterKilledRun(), plans: { [LAYER]: [EMPTY] }, applies: [EXISTS] })
  await done
  const records = facts.records as unknown as { objects: unknown[] }[]
  assert.equal(records.at(-1)?.objects, [RECORDED])
})
existing('made by nobody we know: exit 4 with import blocks, nothing taken in or tried again', async () => {
  const { done, calls } = apply({ applies: [EXISTS] })
  const { code, message, hint } = await failureOf(done)
  assert.is(code, 4)
  assert.match(message, `${NETWORK.address} · the-network`)
  assert.match(hint, 'import {')
  assert.equal(
    calls.filter(call => call !== PUT),
    [`apply ${LAYER}`],
  )
})

/** A run whose first apply ends so, and on a later day another one that meets the network. @returns what that one takes in */
async function nextRunAfter(first: World): Promise<string[]> {
  const store = fakeStore()
  await apply({ ...first, store, run: 'earlier' }).done.catch(() => undefined)
  const journal = store.objects.get('journals/earlier.json')?.content ?? ''
  store.wrote('journals/earlier.json', journal.replaceAll(TODAY.toISOString(), EARLIER.toISOString()))
  const { done, calls } = apply({ store, plans: { [LAYER]: [EMPTY] }, applies: [EXISTS] })
  await done.catch(() => undefined)
  return calls.filter(call => call.startsWith('adopt'))
}
for (const [why, first] of [
  ['met it itself and was refused', { applies: [EXISTS] }],
  ['failed over something else', { applies: [failedApply({ summary: 'quota exceeded', detail: '' })] }],
  ['found its plan stale, and nothing left to do', { plans: { [LAYER]: [EMPTY] }, applies: [stalePlan()] }],
  ['found its plan stale, and the next one refused', { plans: { [LAYER]: [DELETES] }, applies: [stalePlan()] }],
  ['found the state locked', { plans: { [LAYER]: [HELD] }, applies: [HELD] }],
] as [string, World][]) {
  existing(`a run that ended by itself made nothing that it did not record: it ${why}`, async () => {
    assert.equal(await nextRunAfter(first), [])
  })
}
existing('one that was interrupted may have', async () => {
  assert.equal(await nextRunAfter({ applies: [interruption()] }), [ADOPTED])
})
existing.run()
