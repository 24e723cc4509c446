import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sService } from '../../../../lib/phases/k0s/service.ts'
import { type Answers, contextOn, fakeVm, HEALTHY, STOPPED, WITH_CONFIG } from './fixture.ts'

const FLAGS = ['--single', '--config=/etc/k0s/k0s.yaml', '--kubelet-extra-args=--hostname-override=vm']
const INSTALL = ['/usr/local/bin/k0s', 'install', 'controller', ...FLAGS]
const FLAGGED: Answers = { ...STOPPED, unit: `${STOPPED.unit} --labels=a=b` }
const DISABLED: Answers = { ...STOPPED, service: 'MainPID=0\nActiveState=inactive\nUnitFileState=disabled' }

const phase = suite('k0sService')
for (const [why, answers, changes] of [
  ['as wanted', HEALTHY, undefined],
  ['as wanted, though it does not run', STOPPED, undefined],
  ['missing', WITH_CONFIG, ['install the service k0scontroller']],
  ['installed with another flag', FLAGGED, ['--labels: remove']],
  ['not started at boot', DISABLED, ['enable k0scontroller at boot']],
] as [string, Answers, string[] | undefined][]) {
  phase(`the service is ${why}; a check does not install it`, async () => {
    const vm = fakeVm(answers)
    assert.equal(
      await k0sService().check(contextOn(vm).context),
      changes ? { state: 'todo', changes } : { state: 'done', evidence: { flags: FLAGS } },
    )
    assert.equal(vm.calls, [])
  })
}
for (const [why, answers, words] of [
  ['is installed with the wanted flags', WITH_CONFIG, INSTALL],
  ['is installed over the one before', FLAGGED, [...INSTALL, '--force']],
] as [string, Answers, string[]][]) {
  phase(why, async () => {
    const vm = fakeVm(answers)
    await k0sService().run(contextOn(vm).context)
    assert.equal([vm.calls, vm.commands['k0s install']], [['k0s install'], words])
  })
}
phase('installed meanwhile, it is not installed again', async () => {
  const vm = fakeVm(WITH_CONFIG)
  const { context } = contextOn(vm)
  await k0sService().check(context)
  vm.become(HEALTHY)
  assert.equal(await k0sService().run(context), { flags: FLAGS, changes: [] })
  assert.equal(vm.calls, [])
})
phase.run()
