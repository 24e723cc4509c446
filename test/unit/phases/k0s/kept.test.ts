import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { ConsentRequest, Context } from '../../../../lib/operation/context.ts'
import { describePlan } from '../../../../lib/operation/verb.ts'
import { agreeToTakeOver, bootstrap } from '../../../../lib/phases/k0s/bootstrap.ts'
import { k0sRunning } from '../../../../lib/phases/k0s/running.ts'
import { survey } from '../../../../lib/phases/k0s/survey.ts'
import type { Phase } from '../../../../lib/runtime/phases.ts'
import { failureOf } from '../../support/layers.ts'
import { contextOn, fakeVm, HEALTHY, OLDER, SCRIPTED, SHA256, VERSION } from './fixture.ts'

/** What `bootstrap` does once the VM answers. */
const phases = (options = {}): Phase<Context>[] => bootstrap(options).slice(1)

const quiet = {
  activity: () => ({ update() {}, done() {}, skipped() {}, failed() {}, cleared() {} }),
}
const planOn = async (vm = fakeVm(SCRIPTED), options = {}) =>
  describePlan(phases(options), Object.assign(contextOn(vm).context, { log: quiet }) as unknown as Context)

const keeps = suite('a k0s that a script has installed')
keeps('is kept: the plan changes nothing, and tells each difference', async () => {
  const vm = fakeVm(SCRIPTED)
  const { exitCode, text = '' } = await planOn(vm)
  assert.is(exitCode, 0)
  assert.match(text, `= k0s binary, kept as it is\n      ≠ the version is ${OLDER}; this environment has ${VERSION}`)
  assert.match(text, /= k0s configuration, kept as it is\n {6}≠ the data is in SQLite.*\n {6}≠ there is no configuration file/)
  assert.match(text, /= k0s service, kept as it is\n {6}≠ the flag --config is not given/)
  assert.not.match(text, 'restart')
  assert.equal(vm.calls, [])
})
keeps('says as evidence what is there, not what was wanted', async () => {
  const found = await Promise.all(phases().map(phase => phase.check(contextOn(fakeVm(SCRIPTED)).context)))
  assert.ok(found.every(({ state }) => state === 'done'))
  const evidence = found.map(state => (state as { evidence: unknown }).evidence)
  assert.equal(evidence[1], { version: OLDER, sha256: SHA256 })
  assert.equal(evidence[3], { flags: ['controller', '--single=true'] })
})
keeps('is started as it is where it is off', async () => {
  const off = {
    ...SCRIPTED,
    service: 'MainPID=0\nActiveState=inactive\nUnitFileState=enabled',
    status: '',
    readyz: '',
    objects: '',
  }
  const vm = fakeVm(off, { 'k0s start': () => SCRIPTED })
  await k0sRunning().run(contextOn(vm).context)
  assert.equal(vm.calls, ['k0s start'])
})
keeps('is refused a configuration that says another storage: exit code 4, and what to do', async () => {
  for (const options of [{}, { takeOver: true }]) {
    const { context } = contextOn(fakeVm(SCRIPTED), { spec: { storage: { type: 'etcd' } } })
    const { code, message, hint } = await failureOf(survey(context, options))
    assert.is(code, 4)
    assert.match(message, 'stores its data in kine, but the configuration says etcd')
    assert.match(hint, 'leave k0s.spec.storage out')
  }
})
keeps.run()

const takes = suite('taking it over')
takes('is in the plan, with why it restarts; its storage stays', async () => {
  const vm = fakeVm(SCRIPTED)
  const { exitCode, text = '' } = await planOn(vm, { takeOver: true })
  assert.is(exitCode, 8)
  assert.match(text, 'restart k0s: its binary and its configuration and its service change')
  const { wanted } = await survey(contextOn(vm).context, { takeOver: true })
  assert.equal(parse(wanted.config).spec.storage, { type: 'kine' })
  assert.equal(vm.calls, [])
})
for (const [why, answers, expected] of [
  ['is asked for', SCRIPTED, [{ question: 'Take over the k0s of vm, which restarts it', destroys: false }]],
  ['is not asked for where it is our own', HEALTHY, []],
] as const) {
  takes(why, async () => {
    const asked: ConsentRequest[] = []
    const consent = async (request: ConsentRequest) => {
      asked.push(request)
    }
    await agreeToTakeOver({ ...contextOn(fakeVm(answers)).context, consent })
    assert.equal(asked, expected)
  })
}
takes('then it is our own: nothing is left to do', async () => {
  const kine = { ...HEALTHY, storage: 'kine', config: (HEALTHY.config ?? '').replace('type: etcd', 'type: kine') }
  const { plan } = await survey(contextOn(fakeVm(kine)).context)
  assert.equal([plan.kept, plan.config, plan.service.action], [undefined, [], 'none'])
})
takes.run()
