import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusterConfig } from '../../../../lib/model/k0s/config.ts'
import type { HostFacts, K0sFacts } from '../../../../lib/model/k0s/facts.ts'
import { bootstrapPlan, installFlags, type Wanted } from '../../../../lib/model/k0s/plan.ts'

const wanted: Wanted = {
  architecture: 'amd64',
  version: 'v1.34.1+k0s.0',
  sha256: 'a'.repeat(64),
  config: clusterConfig({ address: '10.142.0.2', vmName: 'vm', spec: {} }),
  flags: installFlags('vm'),
  environment: {},
  nodeName: 'vm',
}

const args = ['controller', '--config=/etc/k0s/k0s.yaml', '--kubelet-extra-args=--hostname-override=vm', '--single=true']
const binary = { sha256: wanted.sha256, version: wanted.version, changedAt: 1000 }
const config = { text: wanted.config, changedAt: 1000, private: true }
const unit = { name: 'k0scontroller', changedAt: 1000, enabled: true, args, environment: {} }
const status = { version: wanted.version, role: 'controller', singleNode: true, args: ['/usr/local/bin/k0s', ...args] }
const ready = { api: true, clusterUid: 'uid', nodes: [{ name: 'vm', ready: true }] }

const healthy: K0sFacts = {
  binary,
  config,
  unit,
  status,
  active: true,
  process: { pid: 42, startedAt: 2000 },
  storage: 'etcd',
  readiness: ready,
}
const stopped: K0sFacts = { binary, config, unit, active: false, storage: 'etcd', readiness: { api: false, nodes: [] } }
const empty: K0sFacts = { active: false, readiness: { api: false, nodes: [] } }

const host = (k0s: K0sFacts, more: Partial<HostFacts> = {}): HostFacts => ({
  architecture: 'amd64',
  hostname: 'vm',
  os: 'Debian',
  bootId: 'boot',
  freeBytes: 40 * 1024 ** 3,
  clockSkew: 0,
  k0s,
  ...more,
})

const NOTHING = { binary: [], config: [], unit: [], service: { action: 'none', changes: [] } }
const upgraded = { ...binary, version: 'v1.33.4+k0s.0', sha256: 'b'.repeat(64) }
const plans = suite('bootstrapPlan')
for (const [why, k0s, expected] of [
  ['a healthy host needs nothing', healthy, NOTHING],
  [
    'an empty host needs everything',
    empty,
    {
      binary: ['install k0s v1.34.1+k0s.0'],
      config: ['write /etc/k0s/k0s.yaml'],
      unit: ['install the service k0scontroller'],
      service: { action: 'start', changes: ['start k0s'] },
    },
  ],
  ['installed but stopped', stopped, { ...NOTHING, service: { action: 'start', changes: ['start k0s'] } }],
  [
    'a torn binary',
    { ...stopped, binary: { sha256: 'c', changedAt: 1 } },
    { ...NOTHING, binary: ['replace k0s (broken) with v1.34.1+k0s.0'], service: { action: 'start', changes: ['start k0s'] } },
  ],
  [
    'an older version',
    { ...healthy, binary: upgraded, status: { ...status, version: 'v1.33.4+k0s.0' } },
    {
      ...NOTHING,
      binary: ['replace k0s v1.33.4+k0s.0 with v1.34.1+k0s.0'],
      service: { action: 'restart', changes: ['restart k0s'] },
    },
  ],
  [
    'an upgrade that was interrupted before its restart',
    { ...healthy, binary: { ...binary, changedAt: 3000 }, status: { ...status, version: 'v1.33.4+k0s.0' } },
    {
      ...NOTHING,
      service: {
        action: 'restart',
        changes: ['restart k0s: the binary is newer than the running process', 'restart k0s: v1.33.4+k0s.0 is still running'],
      },
    },
  ],
  [
    'a changed configuration',
    { ...healthy, config: { ...config, text: wanted.config.replace('6443', '7443') } },
    { ...NOTHING, config: ['spec.api.port: 7443 → 6443'], service: { action: 'restart', changes: ['restart k0s'] } },
  ],
  [
    'a configuration that others can read',
    { ...healthy, config: { ...config, private: false } },
    {
      ...NOTHING,
      config: ['/etc/k0s/k0s.yaml: readable by root only'],
      service: { action: 'restart', changes: ['restart k0s'] },
    },
  ],
  [
    'a configuration change that was interrupted before its restart',
    { ...healthy, config: { ...config, changedAt: 3000 } },
    {
      ...NOTHING,
      service: { action: 'restart', changes: ['restart k0s: the configuration is newer than the running process'] },
    },
  ],
  [
    'another flag',
    { ...healthy, unit: { ...unit, args: [...args, '--labels=a=b'] } },
    { ...NOTHING, unit: ['--labels: remove'], service: { action: 'restart', changes: ['restart k0s'] } },
  ],
  [
    'another environment variable, whose value stays hidden',
    { ...healthy, unit: { ...unit, environment: { TOKEN: 'secret' } } },
    { ...NOTHING, unit: ['environment: TOKEN'], service: { action: 'restart', changes: ['restart k0s'] } },
  ],
  [
    'running with other flags than installed',
    { ...healthy, status: { ...status, args: args.slice(0, -1) } },
    { ...NOTHING, service: { action: 'restart', changes: ['restart k0s: running with other flags: --single: add true'] } },
  ],
  [
    'not enabled at boot',
    { ...stopped, unit: { ...unit, enabled: false } },
    { ...NOTHING, unit: ['enable k0scontroller at boot'], service: { action: 'start', changes: ['start k0s'] } },
  ],
  [
    'just booted',
    { ...healthy, status: undefined, readiness: { api: false, nodes: [] } },
    { ...NOTHING, service: { action: 'wait', changes: ['wait for the Kubernetes API', 'wait for node vm'] } },
  ],
  [
    'keeps failing',
    { ...stopped, active: true },
    { ...NOTHING, service: { action: 'wait', changes: ['wait for k0s: systemd is about to restart its service'] } },
  ],
  [
    'only another node is ready',
    { ...healthy, readiness: { ...ready, nodes: [{ name: 'old', ready: true }] } },
    { ...NOTHING, service: { action: 'wait', changes: ['wait for node vm'] } },
  ],
] as [string, K0sFacts, object][]) {
  plans(why, () => {
    const { refusals, upgrade: _upgrade, ...plan } = bootstrapPlan(host(k0s), wanted)
    assert.equal(refusals, [])
    assert.equal(plan, expected)
  })
}

for (const [why, k0s, expected] of [
  ['a running cluster is backed up before its upgrade', { ...healthy, binary: upgraded }, true],
  ['a broken binary can back nothing up', { ...healthy, binary: { sha256: 'c', changedAt: 1 } }, false],
  ['a stopped cluster is not backed up', { ...stopped, binary: upgraded }, false],
  ['nor is one without an upgrade', healthy, false],
] as [string, K0sFacts, boolean][]) {
  plans(why, () => assert.is(bootstrapPlan(host(k0s), wanted).upgrade, expected))
}
plans.run()

const refuses = suite('bootstrapPlan refuses')
for (const [why, facts, message] of [
  ['an ARM VM', host(empty, { architecture: 'arm64' }), /the VM is arm64/],
  ['a sudo that asks', host(empty, { sudoRefusal: 'a password is required' }), /root needs a password/],
  ['a clock that is ahead', host(healthy, { clockSkew: 61_000 }), /61 s ahead of/],
  ['a clock that is behind', host(healthy, { clockSkew: -90_000 }), /90 s behind/],
  ['a full disk', host(empty, { freeBytes: 1024 ** 3 }), /only 1024 MiB are free/],
  ['a worker', host({ ...stopped, unit: { ...unit, name: 'k0sworker' } }), /is a k0s worker/],
  ['a controller of several nodes', host({ ...healthy, status: { ...status, singleNode: false } }), /several nodes/],
  ['data in SQLite', host({ ...healthy, storage: 'kine' }), /stores its data in kine/],
  ['a downgrade', host({ ...healthy, status: { ...status, version: 'v1.34.2+k0s.0' } }), /would be a downgrade/],
  ['to skip a minor', host({ ...healthy, status: { ...status, version: 'v1.32.1+k0s.0' } }), /can't be upgraded to .* at once/],
  [
    'to skip a minor while stopped',
    host({ ...stopped, binary: { ...binary, version: 'v1.32.1+k0s.0' } }),
    /can't be upgraded to .* at once/,
  ],
] as [string, HostFacts, RegExp][]) {
  refuses(why, () => {
    const { refusals } = bootstrapPlan(facts, wanted)
    assert.is(refusals.length, 1)
    assert.match(refusals[0]?.message ?? '', message)
  })
}
type Unreleased = { running: string; wanted: string; expected: string }[]
for (const { running, wanted: version, expected } of JSON.parse(
  readFileSync(new URL('unreleased-versions.json', import.meta.url), 'utf8'),
) as Unreleased) {
  refuses(`${running} → ${version}: ${expected || 'nothing'}`, () => {
    const facts = host({ ...healthy, binary: { ...binary, version: running }, status: { ...status, version: running } })
    const { refusals } = bootstrapPlan(facts, { ...wanted, version })
    assert.is(refusals.length, expected ? 1 : 0)
    assert.ok((refusals[0]?.message ?? '').includes(expected))
  })
}
for (const running of ['v1.34', 'v1.34.1+rke2r1', 'main-4f2a1c', 'v1.34.1']) {
  refuses(`a running version that can't be compared (${running})`, () => {
    const { refusals } = bootstrapPlan(host({ ...healthy, status: { ...status, version: running } }), wanted)
    assert.is(refusals.length, 1)
    assert.ok(refusals[0]?.message.includes(running))
  })
}
refuses('names every reason at once', () => {
  assert.is(bootstrapPlan(host(empty, { architecture: 'arm64', clockSkew: 1e6 }), wanted).refusals.length, 2)
})
refuses('not for a small skew, nor for a full disk when nothing is uploaded', () => {
  assert.equal(bootstrapPlan(host(healthy, { clockSkew: 59_000, freeBytes: 1 }), wanted).refusals, [])
})
refuses.run()
