import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusterConfig, type Store, storageType } from '../../../../lib/model/k0s/config.ts'
import type { HostFacts, K0sFacts } from '../../../../lib/model/k0s/facts.ts'
import { bootstrapPlan, installFlags } from '../../../../lib/model/k0s/plan.ts'
import { presentStore } from '../../../../lib/model/k0s/refusals.ts'
import type { Wanted } from '../../../../lib/model/k0s/wanted.ts'

const SQLITE = 'sqlite:///var/lib/k0s/db/state.db?mode=rwc&_journal=WAL&cache=shared'

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
      service: { action: 'restart', changes: ['restart k0s: its binary changes'] },
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
    {
      ...NOTHING,
      config: ['spec.api.port: 7443 → 6443'],
      service: { action: 'restart', changes: ['restart k0s: its configuration changes'] },
    },
  ],
  [
    'a configuration that others can read',
    { ...healthy, config: { ...config, private: false } },
    {
      ...NOTHING,
      config: ['/etc/k0s/k0s.yaml: readable by root only'],
      service: { action: 'restart', changes: ['restart k0s: its configuration changes'] },
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
    { ...NOTHING, unit: ['--labels: remove'], service: { action: 'restart', changes: ['restart k0s: its service changes'] } },
  ],
  [
    'another environment variable, whose value stays hidden',
    { ...healthy, unit: { ...unit, environment: { TOKEN: 'secret' } } },
    { ...NOTHING, unit: ['environment: TOKEN'], service: { action: 'restart', changes: ['restart k0s: its service changes'] } },
  ],
  [
    'more than one change, and why it restarts',
    {
      ...healthy,
      binary: { ...binary, sha256: 'b' },
      config: { ...config, private: false },
      unit: { ...unit, args: [...args, '--debug'] },
    },
    {
      binary: ['replace k0s v1.34.1+k0s.0: SHA-256 b, expected '.concat(wanted.sha256)],
      config: ['/etc/k0s/k0s.yaml: readable by root only'],
      unit: ['--debug: remove'],
      service: {
        action: 'restart',
        changes: ['restart k0s: its binary and its configuration and its service change'],
      },
    },
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

/** As a startup script leaves it: `k0s install controller --single; k0s start`. */
const scripted: K0sFacts = {
  ...healthy,
  config: undefined,
  unit: { ...unit, args: ['controller', '--single=true'] },
  status: {
    ...status,
    args: ['/usr/local/bin/k0s', 'controller', '--single=true'],
    config: {
      spec: {
        api: { address: '10.142.0.2', port: 6443, sans: ['10.142.0.2'] },
        network: { provider: 'kuberouter' },
        storage: { type: 'kine', kine: { dataSource: SQLITE } },
        telemetry: { enabled: true },
      },
    },
  },
  storage: 'kine',
}
/** What an environment wants that says nothing of the storage. */
const wantedWith = (store?: Store): Wanted => ({
  ...wanted,
  config: clusterConfig({ address: '10.142.0.2', vmName: 'vm', spec: {}, store }),
})
const KINE = wantedWith({ type: 'kine' })

const keeps = suite('bootstrapPlan keeps a k0s that somebody else has installed')
keeps('as a script has: nothing changes, and each difference is told', () => {
  const plan = bootstrapPlan(host(scripted), KINE)
  assert.equal(plan, {
    ...{ refusals: [], ...NOTHING, upgrade: false },
    kept: {
      binary: [],
      config: [
        'the data is in SQLite, through kine; a new cluster has etcd. It stays where it is',
        'there is no configuration file; this environment has /etc/k0s/k0s.yaml',
        'spec.api.sans is ["10.142.0.2"]; this environment has ["10.142.0.2","vm","127.0.0.1","localhost","kubernetes"]',
        'spec.telemetry.enabled is true; this environment has false',
      ],
      unit: [
        'the flag --config is not given; this environment has /etc/k0s/k0s.yaml',
        'the flag --kubelet-extra-args is not given; this environment has --hostname-override=vm',
      ],
    },
  })
})
const flagged = (...more: string[]): K0sFacts => ({
  ...scripted,
  unit: { ...unit, args: ['controller', '--single=true', ...more] },
})
for (const [why, k0s, expected] of [
  [
    'another version, an older one by more than a minor',
    { ...scripted, binary: { ...binary, version: 'v1.30.0+k0s.0' }, status: { ...scripted.status, version: 'v1.30.0+k0s.0' } },
    'the version is v1.30.0+k0s.0; this environment has v1.34.1+k0s.0',
  ],
  [
    'a newer one',
    { ...scripted, status: { ...scripted.status, version: 'v1.35.0+k0s.0' } },
    'the version is v1.35.0+k0s.0; this environment has v1.34.1+k0s.0',
  ],
  ['another build', { ...scripted, binary: { ...binary, sha256: 'b' } }, /another build: SHA-256 b;/],
  ['a broken binary', { ...scripted, status: undefined, binary: { sha256: 'b', changedAt: 1 } }, /the version is unknown/],
  ['another flag', flagged('--labels=a=b'), "the flag --labels=a=b is none of this environment's"],
  ['a configuration of its own', flagged('--config=/root/k0s.yaml'), /--config is \/root\/k0s.yaml; this environment has/],
  [
    'k0s’s usual configuration file, and no name for its node',
    { ...flagged('--config=/etc/k0s/k0s.yaml'), config: { ...config, text: 'spec: {network: {provider: calico}}' } },
    'spec.network is {"provider":"calico"}; this environment does not set it',
  ],
  [
    'a variable, whose value stays hidden',
    { ...scripted, unit: { ...unit, args: ['controller'], environment: { HTTPS_PROXY: 'http://user:secret@proxy' } } },
    "the service's environment variable HTTPS_PROXY is not as in this environment",
  ],
  ['no start at boot', { ...scripted, unit: { ...unit, args: [], enabled: false } }, 'k0scontroller does not start at boot'],
  ['more than one node', { ...scripted, status: { ...scripted.status, singleNode: false } }, /SQLite/],
  [
    'that k0sctl has installed',
    { ...flagged('--config=/etc/k0s/k0s.yaml', '--kubelet-extra-args=--node-ip=10.142.0.2 --hostname-override=vm'), config },
    'the flag --kubelet-extra-args is --node-ip=10.142.0.2 --hostname-override=vm; this environment has --hostname-override=vm',
  ],
  [
    'a folder of its own for its data',
    { ...flagged('--data-dir=/data'), status: undefined },
    "the flag --data-dir=/data is none of this environment's",
  ],
] as [string, K0sFacts, string | RegExp][]) {
  keeps(why, () => {
    const { refusals, binary, config, unit, service, kept } = bootstrapPlan(host(k0s), KINE)
    assert.equal({ refusals, binary, config, unit, service }, { refusals: [], ...NOTHING })
    const told = [...(kept?.binary ?? []), ...(kept?.config ?? []), ...(kept?.unit ?? [])]
    assert.ok(
      told.some(text => (typeof expected === 'string' ? text === expected : expected.test(text))),
      told.join('\n'),
    )
    assert.not.match(told.join(), 'secret')
  })
}
for (const [why, k0s, service] of [
  [
    'off: it is started',
    { ...scripted, ...stopped, unit: scripted.unit },
    { action: 'start', changes: ['start k0s as it is installed'] },
  ],
  [
    'about to start',
    { ...scripted, process: undefined },
    { action: 'wait', changes: ['wait for k0s: systemd is about to restart its service'] },
  ],
  [
    'starting, whatever its node is called',
    { ...scripted, readiness: { api: false, nodes: [] } },
    { action: 'wait', changes: ['wait for the Kubernetes API', 'wait for its node'] },
  ],
  [
    'newer than its process: somebody else restarts it',
    { ...scripted, binary: { ...binary, changedAt: 3000 } },
    { action: 'none', changes: [] },
  ],
  [
    'with a node of another name',
    { ...scripted, readiness: { ...ready, nodes: [{ name: 'other', ready: true }] } },
    { action: 'none', changes: [] },
  ],
] as [string, K0sFacts, object][]) {
  keeps(why, () => assert.equal(bootstrapPlan(host(k0s), KINE).service, service))
}
for (const [why, k0s] of [
  ['a healthy one', healthy],
  ['without its configuration', { ...healthy, config: undefined }],
  ['with one flag more', { ...healthy, unit: { ...unit, args: [...args, '--labels=a=b'] } }],
  ['on an empty host', empty],
] as [string, K0sFacts][]) {
  keeps(`but not our own: ${why}`, () => assert.is(bootstrapPlan(host(k0s), wanted).kept, undefined))
}
keeps.run()

const takes = suite('bootstrapPlan takes a k0s over')
takes('when told to: what changes, why it restarts, and its storage stays', () => {
  const { refusals, binary, config, unit, service, takesOver } = bootstrapPlan(host(scripted), KINE, { takeOver: true })
  assert.equal(
    { refusals, binary, config, unit, service, takesOver },
    {
      refusals: [],
      binary: [],
      config: ['write /etc/k0s/k0s.yaml'],
      unit: ['--config: add /etc/k0s/k0s.yaml', '--kubelet-extra-args: add --hostname-override=vm'],
      service: { action: 'restart', changes: ['restart k0s: its configuration and its service change'] },
      takesOver: true,
    },
  )
  assert.is(storageType(KINE.config), 'kine')
})
takes('our own is none to take over', () => {
  assert.is(bootstrapPlan(host(healthy), wanted, { takeOver: true }).takesOver, undefined)
})
for (const [why, k0s, lost] of [
  ['a flag', flagged('--disable-components=coredns'), '--disable-components=coredns'],
  ['a folder for its data', flagged('--data-dir=/data'), '/data'],
  ['a configuration file elsewhere', flagged('--config=/root/k0s.yaml'), '/root/k0s.yaml'],
  ['a setting', { ...scripted, config: { ...config, text: 'spec: {network: {provider: calico}}' } }, 'its spec.network'],
  [
    'a variable',
    { ...scripted, unit: { ...unit, args: ['controller', '--single'], environment: { A: 'secret' } } },
    'its environment variable A',
  ],
  [
    'the name of its node, which its volumes are bound to',
    { ...scripted, readiness: { ...ready, nodes: [{ name: 'other', ready: true }] } },
    "its node's name, other",
  ],
] as [string, K0sFacts, string][]) {
  takes(`not where that would lose ${why}`, () => {
    const messages = bootstrapPlan(host(k0s), KINE, { takeOver: true }).refusals.map(({ message }) => message)
    assert.match(messages.join(), lost)
    assert.not.match(messages.join(), 'secret')
  })
}
takes.run()

const DATABASE = 'mysql://kine:secret@tcp(10.0.0.1:3306)/kine'
const hides = suite('a password of a database is in no text')
const elsewhere: K0sFacts = {
  ...scripted,
  config: { ...config, text: `spec: {storage: {type: kine, kine: {dataSource: '${DATABASE}'}}}` },
}
for (const [why, k0s, takeOver, store] of [
  ['kept', elsewhere, false, { type: 'kine', dataSource: DATABASE }],
  ['kept, and another one asked for', elsewhere, false, { type: 'kine' }],
  ['taken over', elsewhere, true, { type: 'kine', dataSource: DATABASE }],
  ['our own, and another one asked for', { ...healthy, config: elsewhere.config, storage: 'kine' }, false, { type: 'kine' }],
  ['our own, with another password', { ...healthy, storage: 'kine' }, false, { type: 'kine', dataSource: DATABASE }],
] as [string, K0sFacts, boolean, Store][]) {
  hides(why, () => assert.not.match(JSON.stringify(bootstrapPlan(host(k0s), wantedWith(store), { takeOver })), 'secret'))
}
hides.run()

const storage = suite('the storage of a cluster never changes')
for (const [why, k0s, store, allowed] of [
  ['kine stays kine', scripted, { type: 'kine' }, true],
  ['kine with its own name', scripted, { type: 'kine', dataSource: 'sqlite:///var/lib/k0s/db/state.db?mode=rwc' }, true],
  ['etcd stays etcd', healthy, { type: 'etcd' }, true],
  ['kine to etcd', scripted, { type: 'etcd' }, false],
  ['etcd to kine', healthy, { type: 'kine' }, false],
  ['to another database', scripted, { type: 'kine', dataSource: 'sqlite:///var/lib/k0s/db/other.db' }, false],
  ['to a server', scripted, { type: 'kine', dataSource: 'mysql://user@tcp(10.0.0.1)/kine' }, false],
  ['to an etcd elsewhere', healthy, { type: 'etcd', externalCluster: { endpoints: ['https://10.0.0.1:2379'] } }, false],
  ['a new one has whichever', empty, { type: 'kine' }, true],
] as [string, K0sFacts, Store, boolean][]) {
  for (const takeOver of [false, true]) {
    storage(`${why}${takeOver ? ', taken over' : ''}: ${allowed ? 'allowed' : 'refused'}`, () => {
      const { refusals } = bootstrapPlan(host(k0s), wantedWith(store), { takeOver })
      assert.is(refusals.length, allowed ? 0 : 1)
      if (!allowed) assert.match(refusals[0]?.message ?? '', 'the cluster stores its data in')
    })
  }
}
for (const [why, k0s, expected] of [
  ['nothing yet', empty, undefined],
  ['as the running k0s says, its usual database', scripted, { type: 'kine' }],
  ['as the disk says', { ...stopped, config: undefined, storage: 'kine' }, { type: 'kine' }],
  [
    'as its file says, with its own database',
    {
      ...stopped,
      storage: 'kine',
      config: { ...config, text: `spec: {storage: {type: kine, kine: {dataSource: 'mysql://x'}}}` },
    },
    { type: 'kine', dataSource: 'mysql://x' },
  ],
  ['its file says something else than the disk', { ...stopped, storage: 'kine' }, { type: 'kine' }],
] as [string, K0sFacts, Store | undefined][]) {
  storage(`where it is: ${why}`, () => assert.equal(presentStore(k0s), expected))
}
storage.run()
