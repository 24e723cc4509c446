import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sFindings, k0sSummary } from '../../../../lib/phases/k0s/findings.ts'
import { interrupted, OpsError, precondition } from '../../../../lib/runtime/errors.ts'
import { failureOf } from '../../support/layers.ts'
import { type Answers, BARE, contextOn, fakeVm, HEALTHY, OLDER, OUTDATED, SCRIPTED, STOPPED, VERSION } from './fixture.ts'

const findings = suite('doctor compares k0s')
for (const [why, answers, k0s, expected] of [
  ['as configured', HEALTHY, {}, [`info k0s/as-configured ${VERSION}, etcd, as configured`]],
  [
    'of an older version',
    OUTDATED,
    {},
    [`warning k0s/pending replace k0s ${OLDER} with ${VERSION}`, 'warning k0s/pending restart k0s: its binary changes'],
  ],
  [
    'that a script has installed',
    SCRIPTED,
    {},
    [
      'info k0s/kept was installed by somebody else, and is kept as it is: 7 differences',
      `info k0s/differs the version is ${OLDER}; this environment has ${VERSION}`,
      'info k0s/differs the data is in SQLite, through kine; a new cluster has etcd. It stays where it is',
      'info k0s/differs there is no configuration file; this environment has /etc/k0s/k0s.yaml',
      'info k0s/differs spec.api.sans is ["10.142.0.2"]; this environment has ["10.142.0.2","vm","127.0.0.1","localhost","kubernetes"]',
      'info k0s/differs spec.telemetry.enabled is true; this environment has false',
      'info k0s/differs the flag --config is not given; this environment has /etc/k0s/k0s.yaml',
      'info k0s/differs the flag --kubelet-extra-args is not given; this environment has --hostname-override=vm',
    ],
  ],
  [
    'whose storage would change',
    HEALTHY,
    { spec: { storage: { type: 'kine' } } },
    ['error k0s/refused the cluster stores its data in etcd, but the configuration says kine'],
  ],
] as [string, Answers, object, string[]][]) {
  findings(why, async () => {
    const vm = fakeVm(answers)
    const found = await k0sFindings(contextOn(vm, k0s).context)
    const told = found.map(({ severity, rule, message }) => `${severity} ${rule} ${message}`)
    assert.equal(told.slice(0, expected.length), expected)
    assert.equal(vm.calls, [])
  })
}
const failing = (error: Error) => ({
  ...contextOn(fakeVm(BARE)).context,
  host: async () => {
    throw error
  },
})
for (const error of [precondition('00-vpc is not applied', 'up'), new OpsError(124, 'the VM is silent', 'wait')]) {
  findings(`what can't be read is no error: ${error.message}`, async () => {
    const [found, ...more] = await k0sFindings(failing(error))
    assert.equal([found?.severity, found?.message, more], ['info', `could not be read: ${error.message}`, []])
    assert.is((await k0sSummary(failing(error))).text, `could not be read: ${error.message}`)
  })
}
findings('an interruption ends it', async () => {
  assert.is((await failureOf(k0sFindings(failing(interrupted('stop', 'again'))))).code, 130)
})
findings.run()

const summary = suite('status tells of k0s')
for (const [why, answers, expected] of [
  ['none', BARE, 'not installed'],
  ['our own', HEALTHY, `${VERSION}, etcd`],
  ['our own, off', STOPPED, `${VERSION}, not running`],
  [
    'a script’s',
    SCRIPTED,
    `${OLDER}, SQLite through kine, installed by somebody else, kept as it is: 7 differences (\`./taskw doctor\`)`,
  ],
] as [string, Answers, string][]) {
  summary(why, async () => assert.is((await k0sSummary(contextOn(fakeVm(answers)).context)).text, expected))
}
summary.run()
