import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { vmKeptRunning, vmRunning, vmRunningIfNeeded } from '../../../../lib/phases/vm/running.ts'
import { failureOf } from '../../support/layers.ts'

type VmContext = Parameters<ReturnType<typeof vmRunningIfNeeded>['check']>[0]

/** A VM that has these statuses, one look after the other; the last one stays, until it is started. */
function contextOn(statuses: (string | undefined)[], applied: string[] = []) {
  const calls: string[] = []
  const stop = new AbortController()
  let look = 0
  let started = false
  const compute = {
    vm: async (name: string) => {
      const status = started ? 'RUNNING' : statuses[Math.min(look++, statuses.length - 1)]
      return status === undefined ? undefined : { name, id: '12', status }
    },
    start: async (name: string) => {
      calls.push(`start ${name}`)
      started = true
    },
  }
  const context = {
    compute: async () => compute,
    output: async () => 'vm',
    baseLayer: '00-vpc',
    disconnect: async () => calls.push('disconnect'),
    signal: stop.signal,
    terraform: {
      layers: ['00-vpc', '01-k8s', '02-argocd-app'],
      state: async (layer: string) => ({ applied: applied.includes(layer) }),
    },
  } as unknown as VmContext
  return { context, calls, stop }
}
const RUNS = { state: 'done', evidence: { vm: 'vm', id: '12' } }
const phase = suite('vmRunning')
phase('a VM that runs is done', async () => {
  const { context, calls } = contextOn(['RUNNING'])
  assert.equal(await vmRunning().check(context), RUNS)
  assert.equal(calls, [])
})
for (const status of ['TERMINATED', 'STOPPING', 'PROVISIONING']) {
  phase(`one that is ${status} is to be started; a check does not do it`, async () => {
    const { context, calls } = contextOn([status])
    assert.equal(await vmRunning().check(context), { state: 'todo', changes: [`start vm, which is ${status}`] })
    assert.equal(calls, [])
  })
}
phase('one that Terraform knows and Google does not: the layer makes it again', async () => {
  const { code, hint } = await failureOf(vmRunning().check(contextOn([undefined]).context))
  assert.is(code, 4)
  assert.match(hint, './taskw layer:apply -- 00-vpc')
})
phase('starts it, once what was connected to the one before is closed', async () => {
  const { context, calls } = contextOn(['TERMINATED'])
  assert.equal(await vmRunning().run(context), { vm: 'vm', started: true })
  assert.equal(calls, ['disconnect', 'start vm'])
})
phase('one on its way down is started when it has come to rest', async () => {
  const { context, calls } = contextOn(['STOPPING', 'STOPPING', 'TERMINATED'])
  await vmRunning().run(context)
  assert.equal(calls, ['disconnect', 'start vm'])
})
phase('one that somebody else has started meanwhile is not started again', async () => {
  const { context, calls } = contextOn(['STAGING', 'RUNNING'])
  await vmRunning().run(context)
  assert.equal(calls, ['disconnect'])
})
phase('an interruption ends the waiting', async () => {
  const { context, calls, stop } = contextOn(['STOPPING'])
  const running = failureOf(vmRunning().run(context))
  setTimeout(() => stop.abort(), 20)
  assert.is((await running).code, 130)
  assert.equal(calls, ['disconnect'])
})
phase.run()

/** In Taipei it is 23 o'clock. */
const NIGHT = new Date('2025-12-01T15:00:00Z')
const DAY = new Date('2025-12-01T05:00:00Z')
const kept = suite('vmKeptRunning')
for (const [why, status, schedule, now, told] of [
  ['started in the time that its schedule has it off', 'TERMINATED', true, NIGHT, true],
  ['left on in that time', 'RUNNING', true, NIGHT, true],
  ['started in the time that it has it on', 'TERMINATED', true, DAY, false],
  ['without a schedule', 'TERMINATED', false, NIGHT, false],
] as const) {
  kept(`a VM ${why}: ${told ? 'it is said when that stops it' : 'nothing is said'}`, async () => {
    const warnings: string[] = []
    const context = {
      ...contextOn([status]).context,
      environment: schedule ? { schedule: { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' } } : {},
      now: () => now,
      log: { warn: (text: string) => warnings.push(text) },
    } as unknown as Parameters<ReturnType<typeof vmKeptRunning>['check']>[0]
    const phase = vmKeptRunning()
    assert.is((await phase.check(context)).state, status === 'RUNNING' ? 'done' : 'todo')
    await phase.check(context)
    assert.equal(warnings, told ? ['vm: its schedule has it off now, and will stop it at 21:00 (Asia/Taipei)'] : [])
  })
}
kept.run()

const NOT_NEEDED = { state: 'done', evidence: 'no applied layer needs it' }
const needed = suite('vmRunningIfNeeded')
for (const [why, applied, expected] of [
  ['nothing is applied', [], NOT_NEEDED],
  ['only the layer of the VM itself is', ['00-vpc'], NOT_NEEDED],
  ['a layer in the cluster is', ['00-vpc', '01-k8s'], { state: 'todo', changes: ['start vm, which is TERMINATED'] }],
  ['one that stands higher is', ['00-vpc', '02-argocd-app'], { state: 'todo', changes: ['start vm, which is TERMINATED'] }],
] as [string, string[], object][]) {
  needed(why, async () => {
    assert.equal(await vmRunningIfNeeded().check(contextOn(['TERMINATED'], applied).context), expected)
  })
}
needed('where nothing needs it, nobody asks whether there is one', async () => {
  assert.equal(await vmRunningIfNeeded().check(contextOn([undefined], ['00-vpc']).context), NOT_NEEDED)
})
needed('it runs already', async () => {
  assert.equal(await vmRunningIfNeeded().check(contextOn(['RUNNING'], ['00-vpc', '01-k8s']).context), RUNS)
})
needed('it is started the same way', async () => {
  const { context, calls } = contextOn(['TERMINATED'], ['01-k8s'])
  await vmRunningIfNeeded().run(context)
  assert.equal(calls, ['disconnect', 'start vm'])
})
needed.run()
