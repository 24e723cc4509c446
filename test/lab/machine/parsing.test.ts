import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { accountsOf, forEachAccount } from '../../../lab/machine/guest/accounts.ts'
import { dropInDirectories, parseUnit, words } from '../../../lab/machine/guest/unit.ts'
import { components } from '../../../lab/machine/k0s/components.ts'
import { databaseOf, parseConfig } from '../../../lab/machine/k0s/config.ts'
import { parseControllerFlags, takeDataDir } from '../../../lab/machine/k0s/flags.ts'
import { k0sBinary } from '../../../lab/machine/k0s/shim.ts'
import { parseImage, repositoryIn } from '../../../lab/machine/node-agent/images.ts'

const images = suite('parseImage')
const digest = `sha256:${'a'.repeat(64)}`
for (const [image, name, repository] of [
  ['postgres', 'docker.io/library/postgres:latest', 'docker.io/library/postgres'],
  ['rancher/provisioner:v1', 'docker.io/rancher/provisioner:v1', 'docker.io/rancher/provisioner'],
  ['quay.io/argoproj/argocd:v3', 'quay.io/argoproj/argocd:v3', 'quay.io/argoproj/argocd'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1', 'localhost:5000/app'],
  ['us-east1-docker.pkg.dev/p/threads/app:v1', 'us-east1-docker.pkg.dev/p/threads/app:v1', 'p/threads/app'],
  [`app@${digest}`, `docker.io/library/app@${digest}`, 'docker.io/library/app'],
] as const) {
  images(image, () => {
    const reference = parseImage(image)
    assert.is(reference?.name, name)
    assert.is(reference && repositoryIn(reference), repository)
  })
}
for (const image of ['App', 'app:', 'app@sha256:1', 'app tag', '']) {
  images(`no image: "${image}"`, () => assert.is(parseImage(image), undefined))
}
images.run()

const units = suite('parseUnit')
units('a k0s unit', () => {
  const unit = parseUnit(`[Unit]
Description=k0s
ConditionFileIsExecutable=/usr/local/bin/k0s
[Service]
Environment="A=1 2" B=3
ExecStart=/usr/local/bin/k0s controller \\
  "--labels=a=b c"
RestartSec=10
KillMode=process
Restart=always
[Install]
WantedBy=multi-user.target
`)
  assert.equal(unit.command, ['/usr/local/bin/k0s', 'controller', '--labels=a=b c'])
  assert.equal(unit.environment, { A: '1 2', B: '3' })
  assert.is(unit.restart, 'always')
  assert.is(unit.restartDelay, 10_000)
  assert.is(unit.killMode, 'process')
  assert.is(unit.type, 'simple')
  assert.equal(unit.wantedBy, ['multi-user.target'])
})
units('an empty assignment takes back what came before', () => {
  assert.equal(parseUnit('[Service]\nExecStart=/a\nExecStart=\nExecStart=/b').command, ['/b'])
})
units('without ExecStart it is refused', () => assert.throws(() => parseUnit('[Service]\nType=simple'), /ExecStart/))
const main =
  '[Unit]\nDescription=k0s\n[Service]\nExecStart=/a\nEnvironment=A=1 B=1\nRestart=always\n[Install]\nWantedBy=multi-user.target\n'
for (const [why, dropIns, expected] of [
  ['adds to the environment', ['[Service]\nEnvironment=C=1'], { environment: { A: '1', B: '1', C: '1' } }],
  ['replaces a variable', ['[Service]\nEnvironment="B=2 3"'], { environment: { A: '1', B: '2 3' } }],
  ['takes the environment back', ['[Service]\nEnvironment=\nEnvironment=C=1'], { environment: { C: '1' } }],
  [
    'counts after an earlier one',
    ['[Service]\nEnvironment=A=2', '[Service]\nEnvironment=A=3'],
    { environment: { A: '3', B: '1' } },
  ],
  ['replaces the command', ['[Service]\nExecStart=\nExecStart=/b c'], { command: ['/b', 'c'] }],
  ['replaces what has one value', ['[Service]\nRestart=no'], { restart: 'no' }],
  ['adds targets', ['[Install]\nWantedBy=other.target'], { wantedBy: ['multi-user.target', 'other.target'] }],
  ['begins without a section', ['Restart=no'], { restart: 'always' }],
  ['may say nothing', [''], { command: ['/a'], description: 'k0s' }],
] as const) {
  units(`a drop-in ${why}`, () => {
    const unit = parseUnit(main, ...dropIns)
    for (const [name, value] of Object.entries(expected)) assert.equal(unit[name as keyof typeof unit], value)
  })
}
units('a drop-in with a second command is refused', () => {
  assert.throws(() => parseUnit(main, '[Service]\nExecStart=/b'), /more than one ExecStart=/)
})
for (const [name, expected] of [
  ['k0s.service', ['/etc/k0s.service.d', '/run/k0s.service.d', '/etc/service.d', '/run/service.d']],
  [
    'a-b-c.service',
    [
      ...['/etc/a-b-c.service.d', '/etc/a-b-.service.d', '/etc/a-.service.d'],
      ...['/run/a-b-c.service.d', '/run/a-b-.service.d', '/run/a-.service.d'],
      ...['/etc/service.d', '/run/service.d'],
    ],
  ],
] as const) {
  units(`drop-ins of ${name}`, () => assert.equal(dropInDirectories(name, ['/etc', '/run']), expected))
}
for (const [text, expected] of [
  ['a  b', ['a', 'b']],
  ['"a b" c', ['a b', 'c']],
  [`'a "b"'`, ['a "b"']],
  ['a\\ b', ['a b']],
  ['"a \\"b\\""', ['a "b"']],
  ['a\\x20b\\tc\\041\\u00e9\\s\\\\', ['a b\tc!é \\']],
  ['""', ['']],
  ['  ', []],
] as const) {
  units(`words of <${text}>`, () => assert.equal(words(text), expected))
}
units.run()

const applying = suite('forEachAccount')
applying('one that cannot be made keeps none of the others out', () => {
  const [made, said]: [string[], string[]] = [[], []]
  const wanted = new Map([
    // Debian has a group of that name, so that useradd refuses it.
    ['operator', ['k1']],
    ['ops', ['k2']],
  ])
  const apply = (user: string) => {
    if (user === 'operator') throw new Error('useradd: group operator exists')
    made.push(user)
  }
  forEachAccount(wanted, apply, text => said.push(text))
  assert.equal([made, said], [['ops'], ['account operator: useradd: group operator exists']])
})
applying.run()

const accounts = suite('accountsOf')
const now = new Date('2026-01-01T00:00:00Z')
const users = (own: string, project: string, block = '') =>
  Object.fromEntries(
    accountsOf(
      {
        instance: { attributes: { 'ssh-keys': own, 'block-project-ssh-keys': block } },
        project: { attributes: { 'ssh-keys': project } },
      },
      now,
    ),
  )
accounts('keys of one user, from instance and project', () =>
  assert.equal(users('ops:ssh-ed25519 A a@b\n', 'ops:ssh-ed25519 B'), { ops: ['ssh-ed25519 A a@b', 'ssh-ed25519 B'] }),
)
accounts('an instance may block its project', () => assert.equal(users('', 'ops:ssh-ed25519 B', 'TRUE'), {}))
accounts('never root, nor what is no key', () => assert.equal(users('root:ssh-rsa A\nnonsense\n', ''), {}))
accounts("an instance with the old entry takes none of its project's", () => {
  const instance = { attributes: { sshKeys: 'ops:ssh-rsa A', 'ssh-keys': 'ops:ssh-rsa B' } }
  const project = { attributes: { 'ssh-keys': 'eve:ssh-rsa C' } }
  assert.equal(Object.fromEntries(accountsOf({ instance, project }, now)), { ops: ['ssh-rsa B', 'ssh-rsa A'] })
})
accounts('names as gcloud takes them from the operator’s machine', () =>
  assert.equal(Object.keys(users('jane.doe:ssh-rsa A\nJane:ssh-rsa A\n-x:ssh-rsa A', '')), ['jane.doe', 'Jane']),
)
for (const [what, own, project, there] of [
  ['of the instance', 'TRUE', '', false],
  ['of the project', '', 'true', false],
  ['of the project, turned off by the instance', 'FALSE', 'TRUE', true],
] as const) {
  accounts(`none with OS Login ${what}`, () => {
    const attributes = { 'ssh-keys': 'ops:ssh-rsa A', 'enable-oslogin': own }
    const found = accountsOf({ instance: { attributes }, project: { attributes: { 'enable-oslogin': project } } }, now)
    assert.is(found.size > 0, there)
  })
}
for (const [what, rest, there] of [
  ['without its expiry', 'google-ssh', false],
  ['with an expiry that is none', 'google-ssh {"userName":"ops","expireOn":"soon"}', false],
  ['with an expiry that is not JSON', 'google-ssh {expireOn', false],
  ['with a comment of several words', 'me on google-ssh', true],
] as const) {
  accounts(`a key ${what}`, () => assert.is(Object.keys(users(`ops:ssh-rsa A ${rest}`, '')).length > 0, there))
}
accounts('an expired key is left out', () => {
  const key = (year: number) => `ops:ssh-rsa A google-ssh {"userName":"ops","expireOn":"${year}-01-01T00:00:01+0000"}`
  assert.equal(users(key(2025), ''), {})
  assert.is(Object.keys(users(key(2026), '')).length, 1)
})
accounts.run()

const k0s = suite('k0s')
const config = (spec: string) => `apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nspec: ${spec}`
k0s('defaults', () => {
  const { spec } = parseConfig(config('{}'), '10.0.0.1', false)
  assert.is(spec.api.address, '10.0.0.1')
  assert.is(spec.api.port, 6443)
  assert.is(spec.storage.type, 'etcd')
})
const SQLITE = 'sqlite:///var/lib/k0s/db/state.db?mode=rwc&_journal=WAL&cache=shared'
const etcd = { peerAddress: '10.0.0.1' }
for (const [why, spec, single, expected] of [
  ['no storage', '{}', false, { type: 'etcd', etcd }],
  ['no storage with --single', '{}', true, { type: 'kine', kine: { dataSource: SQLITE } }],
  ['null with --single', '{ storage: }', true, { type: 'kine', kine: { dataSource: SQLITE } }],
  ['etcd with --single', '{ storage: { type: etcd } }', true, { type: 'etcd', etcd }],
  ['a storage without a type with --single', '{ storage: {} }', true, { type: 'etcd', etcd }],
  ['kine', '{ storage: { type: kine } }', false, { type: 'kine', etcd, kine: { dataSource: SQLITE } }],
  [
    'kine with a data source',
    '{ storage: { type: kine, kine: { dataSource: "sqlite:///data/k.db" } } }',
    true,
    { type: 'kine', etcd, kine: { dataSource: 'sqlite:///data/k.db' } },
  ],
  [
    "another database, which is k0s's own affair until it starts",
    '{ storage: { type: kine, kine: { dataSource: "mysql://u@tcp(h)/db" } } }',
    true,
    { type: 'kine', etcd, kine: { dataSource: 'mysql://u@tcp(h)/db' } },
  ],
] as const) {
  k0s(`storage: ${why}`, () => assert.equal(parseConfig(config(spec), '10.0.0.1', single).spec.storage, expected))
}
k0s('storage: the database is in the data directory', () =>
  assert.match(
    parseConfig(config('{}'), '10.0.0.1', true, '/data').spec.storage.kine?.dataSource ?? '',
    'sqlite:///data/db/state.db?',
  ),
)
for (const [dataSource, expected] of [
  [SQLITE, '/var/lib/k0s/db/state.db'],
  ['sqlite://file:/data/k.db?mode=rwc', '/data/k.db'],
  ['sqlite:///data/k.db', '/data/k.db'],
  ['sqlite://db/k.db', '/var/lib/k0s/db/k.db'],
  ['sqlite://', undefined],
  ['mysql://u@tcp(h)/db', undefined],
  ['/data/k.db', undefined],
] as const) {
  k0s(`the database of ${dataSource}`, () => assert.is(databaseOf(dataSource, '/var/lib/k0s'), expected))
}
for (const [type, name, folder] of [
  ['etcd', 'etcd', '/var/lib/k0s/etcd'],
  ['kine', 'kine', '/var/lib/k0s/db/state.db'],
] as const) {
  k0s(`what stores with ${type}`, () => {
    const plane = { dataDir: '/var/lib/k0s', nodeName: 'vm', nodeAddress: '10.0.0.1', labels: {} }
    const [store] = components({ ...plane, config: parseConfig(config(`{ storage: { type: ${type} } }`), '10.0.0.1', true) })
    assert.is(store?.name, name)
    assert.ok(store?.args.includes(`--data-dir=${folder}`), store?.args.join(' '))
  })
}
for (const [why, spec, single, message] of [
  ['another storage', '{ storage: { type: sqlite } }', true, /Unsupported value: "sqlite": supported values: "etcd", "kine"/],
  [
    'an unknown field of kine',
    '{ storage: { kine: { datasource: x } } }',
    true,
    /unknown field "spec.storage.kine.datasource"/,
  ],
  ['an unknown field of etcd', '{ storage: { etcd: { peer: x } } }', true, /unknown field "spec.storage.etcd.peer"/],
  [
    'a data source that is none',
    '{ storage: { type: kine, kine: { dataSource: 3 } } }',
    true,
    /failed to load node config: .*dataSource/,
  ],
  ['an unknown field', '{ api: { adress: 1.2.3.4 } }', false, /unknown field "spec.api.adress"/],
  ['an address that is none', '{ api: { address: here } }', false, /invalid IP address/],
  ['no YAML', '{', false, /failed to load node config/],
] as const) {
  k0s(why, () => assert.throws(() => parseConfig(config(spec), '10.0.0.1', single), message))
}
k0s('flags as they stand in the unit', () => {
  const flags = parseControllerFlags(
    ['--single=true', '-c', '/etc/k0s/k0s.yaml', '--labels', 'a=b', '-e', 'X=1', '--force'],
    true,
  )
  assert.equal(flags.normalized, ['--config=/etc/k0s/k0s.yaml', '--labels=a=b', '--single=true'])
  assert.equal(flags.environment, ['X=1'])
  assert.equal(flags.labels, { a: 'b' })
  assert.ok(flags.force && flags.enableWorker)
})
k0s('a flag it does not have', () => assert.throws(() => parseControllerFlags(['--nope']), /unknown flag: --nope/))
for (const [given, dataDir, rest] of [
  [['get', 'node', '-o', 'json'], '/var/lib/k0s', ['get', 'node', '-o', 'json']],
  [['get', '--data-dir=/data', 'node'], '/data', ['get', 'node']],
  [['--data-dir', '/data', 'get', 'node'], '/data', ['get', 'node']],
  [['exec', 'pod', '--', 'k0s', '--data-dir=/data'], '/var/lib/k0s', ['exec', 'pod', '--', 'k0s', '--data-dir=/data']],
] as const) {
  k0s(`the data directory in <${given.join(' ')}>`, () => assert.equal(takeDataDir(given), { dataDir, rest: [...rest] }))
}
k0s('a binary of another version differs by that only', () => {
  assert.ok(k0sBinary('v1.35.1+k0s.2').includes(' v1.35.1+k0s.2 '))
  assert.is(k0sBinary('v1.35.1+k0s.2').replace('v1.35.1+k0s.2', 'v1.34.0+k0s.0'), k0sBinary('v1.34.0+k0s.0'))
})
k0s.run()
