import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sConfig } from '../../../../lib/phases/k0s/config.ts'
import { type Answers, CONFIG, contextOn, fakeVm, HEALTHY, WITH_BINARY } from './fixture.ts'

const PATH = '/etc/k0s/k0s.yaml'
const UPLOAD = `upload of ${PATH}`
const OTHER = CONFIG.replace('6443', '7443')

const phase = suite('k0sConfig')
for (const [why, answers, changes] of [
  ['as wanted', HEALTHY, undefined],
  ['missing', WITH_BINARY, [`write ${PATH}`]],
  ['another one', { ...HEALTHY, config: OTHER }, ['spec.api.port: 7443 → 6443']],
  ['for everybody to read', { ...HEALTHY, configMode: '644 0' }, [`${PATH}: readable by root only`]],
  ['somebody else’s than root', { ...HEALTHY, configMode: '600 1000' }, [`${PATH}: readable by root only`]],
] as [string, Answers, string[] | undefined][]) {
  phase(`the file is ${why}; a check does not write it`, async () => {
    const vm = fakeVm(answers)
    assert.equal(
      await k0sConfig().check(contextOn(vm).context),
      changes ? { state: 'todo', changes } : { state: 'done', evidence: { path: PATH } },
    )
    assert.equal(vm.calls, [])
  })
}
phase('is written for root alone once k0s accepts it, and the one before is kept', async () => {
  const vm = fakeVm({ ...HEALTHY, config: OTHER })
  const evidence = await k0sConfig().run(contextOn(vm).context)
  assert.equal([vm.calls, vm.uploads], [[UPLOAD], { [PATH]: CONFIG }])
  const [target, mode, , backup, ...accept] = vm.commands[UPLOAD] ?? []
  assert.equal([target, mode, backup], [PATH, '600', 'yes'])
  assert.equal(accept, ['/usr/local/bin/k0s', 'config', 'validate', '--config'])
  assert.equal(evidence, { path: PATH, changes: ['spec.api.port: 7443 → 6443'] })
})
phase('written meanwhile, it is not written again: a newer file would mean a restart', async () => {
  const vm = fakeVm(WITH_BINARY)
  const { context } = contextOn(vm)
  await k0sConfig().check(context)
  vm.become(HEALTHY)
  assert.equal(await k0sConfig().run(context), { path: PATH, changes: [] })
  assert.equal(vm.calls, [])
})
phase.run()
