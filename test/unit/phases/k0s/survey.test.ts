import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sOn } from '../../../../lib/host/k0s.ts'
import { hostSuitable } from '../../../../lib/phases/k0s/suitable.ts'
import { pendingOr, survey } from '../../../../lib/phases/k0s/survey.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'
import { failureOf } from '../../support/layers.ts'
import { BARE, CONFIG, contextOn, fakeVm, HEALTHY, OUTDATED, SHA256, STOPPED, VERSION } from './fixture.ts'

const surveys = suite('survey')
surveys('what the environment wants on this VM', async () => {
  const { wanted } = await survey(contextOn(fakeVm(HEALTHY)).context)
  assert.equal(wanted, {
    ...{ architecture: 'amd64', version: VERSION, sha256: SHA256, config: CONFIG, environment: {}, nodeName: 'vm' },
    flags: ['--single', '--config=/etc/k0s/k0s.yaml', '--kubelet-extra-args=--hostname-override=vm'],
  })
})
surveys('the environment’s own spec is part of the configuration', async () => {
  const { context } = contextOn(fakeVm(HEALTHY), { spec: { telemetry: { enabled: true } } })
  const { plan } = await survey(context)
  assert.equal(plan.config, ['spec.telemetry.enabled: false → true'])
})
surveys('what is wanted on a healthy VM is there', async () => {
  const { plan } = await survey(contextOn(fakeVm(HEALTHY)).context)
  assert.equal([plan.binary, plan.config, plan.unit, plan.service.action], [[], [], [], 'none'])
})
surveys('phases share one reading; who is about to change something reads again', async () => {
  const vm = fakeVm(BARE)
  const { context } = contextOn(vm)
  await survey(context)
  await survey(context)
  assert.is(vm.probes(), 1)
  vm.become(HEALTHY)
  assert.equal((await survey(context)).plan.binary, [`install k0s ${VERSION}`])
  assert.equal((await survey(context, { fresh: true })).plan.binary, [])
  assert.equal([vm.probes(), (await survey(context)).plan.binary.length, vm.probes()], [2, 0, 2])
})
surveys('what was changed is read again', async () => {
  const vm = fakeVm(STOPPED, { 'k0s start': () => HEALTHY })
  const { context } = contextOn(vm)
  assert.is((await survey(context)).plan.service.action, 'start')
  await k0sOn(vm.host).start()
  assert.is((await survey(context)).plan.service.action, 'none')
})
surveys('a reading that failed is not remembered', async () => {
  const vm = fakeVm(HEALTHY)
  const { context } = contextOn(vm)
  const { run } = vm.host
  vm.host.run = async () => {
    throw new OpsError(5, 'the connection is lost', 'again')
  }
  assert.is((await failureOf(survey(context))).code, 5)
  vm.host.run = run
  assert.is((await survey(context)).plan.service.action, 'none')
})
for (const [why, answers, expected] of [
  ['an ARM VM', { ...BARE, architecture: 'aarch64' }, /vm: the VM is arm64/],
  ['a sudo that asks', { ...BARE, sudo: 'no', sudoRefusal: 'a password is required' }, /root needs a password/],
  ['each reason at once', { ...BARE, architecture: 'aarch64', freeBytes: '1' }, /the VM is arm64.*; only 0 MiB are free/],
] as const) {
  surveys(`refuses ${why}, for every phase`, async () => {
    const { context } = contextOn(fakeVm(answers))
    const { code, message, hint } = await failureOf(survey(context))
    assert.equal([code, hint !== ''], [4, true])
    assert.match(message, expected)
    assert.is((await failureOf(hostSuitable().check(context))).message, message)
  })
}
surveys('refuses a downgrade', async () => {
  const { context } = contextOn(fakeVm(HEALTHY), { version: 'v1.34.0+k0s.0' })
  assert.match((await failureOf(survey(context))).message, 'downgrade')
})
surveys('an upgrade by one minor is none of these', async () => {
  assert.is((await survey(contextOn(fakeVm(OUTDATED)).context)).plan.upgrade, true)
})
surveys('a fit VM says what it is', async () => {
  const found = await hostSuitable().check(contextOn(fakeVm(BARE)).context)
  assert.equal(found, {
    state: 'done',
    evidence: { architecture: 'amd64', os: 'Debian 12', bootId: 'the-boot', clockSkewMs: 0 },
  })
})
surveys('pendingOr', () => {
  assert.equal(pendingOr([], 'is'), { state: 'done', evidence: 'is' })
  assert.equal(pendingOr(['do it'], 'is'), { state: 'todo', changes: ['do it'] })
})
surveys.run()
