import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sRunning } from '../../../../lib/phases/k0s/running.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'
import { failureOf } from '../../support/layers.ts'
import { type Answers, contextOn, fakeVm, HEALTHY, OLDER, STARTING, STOPPED, VERSION } from './fixture.ts'

/** A binary that is newer than the process that runs. */
const UPGRADED: Answers = { ...HEALTHY, status: (HEALTHY.status ?? '').replace(VERSION, OLDER) }
const RESTART = 'restart of k0s'

const checks = suite('k0sRunning checks')
for (const [why, answers, changes] of [
  ['it is stopped', STOPPED, ['start k0s']],
  ['it runs an older version', UPGRADED, [`restart k0s: ${OLDER} is still running`]],
  ['its node is not ready', STARTING, ['wait for node vm']],
  [
    'it has only just booted',
    { ...STARTING, status: '', readyz: '', objects: '' },
    ['wait for the Kubernetes API', 'wait for node vm'],
  ],
] as [string, Answers, string[]][]) {
  checks(`${why}: it is to do`, async () => {
    const vm = fakeVm(answers)
    assert.equal(await k0sRunning().check(contextOn(vm).context), { state: 'todo', changes })
    assert.equal(vm.calls, [])
  })
}
checks('it runs as wanted: done, with what it is', async () => {
  const found = await k0sRunning().check(contextOn(fakeVm(HEALTHY)).context)
  assert.is(found.state, 'done')
  assert.match(JSON.stringify(found), 'the-cluster')
})
checks.run()

const runs = suite('k0sRunning runs')
for (const [why, before, call] of [
  ['starts what is stopped', STOPPED, 'k0s start'],
  ['restarts what is newer than what runs', UPGRADED, RESTART],
] as [string, Answers, string][]) {
  runs(`${why}, and reads back what runs`, async () => {
    const vm = fakeVm(before, { [call]: () => HEALTHY })
    await k0sRunning().run(contextOn(vm).context)
    assert.equal(vm.calls, [call])
    assert.is(vm.probes(), 2)
  })
}
runs('only waits for what is on its way, and says for what, in k0s’s own words', async () => {
  const log = 'Nov 01 12:00:00 vm k0s[42]: time="2025-11-01 12:00:00" level=error msg="etcd is slow"'
  const vm = fakeVm({ ...STARTING, log }, { 'readiness probe': () => HEALTHY })
  const { context, progress } = contextOn(vm)
  await k0sRunning().run(context)
  assert.equal(vm.calls, [])
  assert.match(progress[0] ?? '', /^API ready, waiting for node vm; k0s: .*etcd is slow/)
})
runs('a busy VM that leaves a question unanswered is asked again', async () => {
  const answers = [STARTING, { ...HEALTHY, readyz: '', objects: '' }, HEALTHY]
  const vm = fakeVm(STARTING, { probe: () => answers.shift() ?? HEALTHY, 'readiness probe': () => HEALTHY })
  await k0sRunning().run(contextOn(vm).context)
  assert.is(vm.probes(), 3)
})
runs('made ready meanwhile by somebody else, it is left alone', async () => {
  const vm = fakeVm(STOPPED)
  const { context } = contextOn(vm)
  await k0sRunning().check(context)
  vm.become(HEALTHY)
  await k0sRunning().run(context)
  assert.equal(vm.calls, [])
})
runs('only another node is ready: that is not it', async () => {
  const vm = fakeVm({ ...STARTING, objects: 'Node\told\tuid\tTrue' })
  assert.match((await failureOf(k0sRunning().run(contextOn(vm, { deadline: 20 }).context))).message, 'timed out')
})
runs('in vain: exit code 124, with the end of its log', async () => {
  const vm = fakeVm(STOPPED, { 'k0s start': () => ({ ...STARTING, log: 'etcd: no space left' }) })
  const { code, message, hint } = await failureOf(k0sRunning().run(contextOn(vm, { deadline: 20 }).context))
  assert.is(code, 124)
  assert.match(message, /waiting for the Kubernetes API and its node.*\netcd: no space left/s)
  assert.match(hint, 'run the same command again')
})
runs('it runs, but not with what is wanted: that is no success', async () => {
  const vm = fakeVm(UPGRADED, { [RESTART]: () => ({}) })
  const { code, message } = await failureOf(k0sRunning().run(contextOn(vm).context))
  assert.is(code, 124)
  assert.match(message, `not as configured: restart k0s: ${OLDER} is still running`)
})
runs('an interruption ends the waiting, without a log', async () => {
  const vm = fakeVm({ ...STARTING, log: 'words' })
  const { context, stop } = contextOn(vm)
  const running = failureOf(k0sRunning().run(context))
  setTimeout(() => stop.abort(), 20)
  const { code, message } = await running
  assert.is(code, 130)
  assert.not.match(message, 'words')
})
runs('a start that fails is the failure', async () => {
  const vm = fakeVm(STOPPED, { 'k0s start': new OpsError(5, 'k0s start failed', 'look') })
  assert.match((await failureOf(k0sRunning().run(contextOn(vm).context))).message, 'k0s start failed')
})
runs.run()
