import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dataDirectory, factsFrom, parseStatus, readinessFrom } from '../../../../lib/model/k0s/facts.ts'

const probe = (answers: Record<string, string>) => ({
  answers: { clock: '1500', sudo: 'yes', ...answers },
  askedAt: 1000,
  answeredAt: 2000,
})

function unitOf(flags = '') {
  return { unitName: 'k0scontroller', unit: `ExecStart=/usr/local/bin/k0s controller ${flags}`, unitChangedAt: '1' }
}
function running(type: string) {
  return { status: JSON.stringify({ Version: 'v1', Role: 'controller', ClusterConfig: { spec: { storage: { type } } } }) }
}

const clocks = suite('clock skew')
for (const [why, clock, expected] of [
  ['within the reading', '1500', 0],
  ['ahead', '63000', 61_000],
  ['behind', '-60500', -61_500],
] as const) {
  clocks(why, () => assert.is(factsFrom(probe({ clock })).clockSkew, expected))
}
clocks.run()

const facts = suite('factsFrom')
for (const [why, answers, expected] of [
  ['x86', { architecture: 'x86_64' }, { architecture: 'amd64' }],
  ['ARM', { architecture: 'aarch64' }, { architecture: 'arm64' }],
  ['another machine', { architecture: 'riscv64' }, { architecture: 'riscv64' }],
  ['os', { os: 'ID=debian\nPRETTY_NAME="Debian 12"\nX=1' }, { os: 'Debian 12' }],
  ['sudo asks', { sudo: 'no', sudoRefusal: 'a password is required' }, { sudoRefusal: 'a password is required' }],
  ['no sudo', { sudo: 'no', sudoRefusal: '' }, { sudoRefusal: 'sudo is not installed' }],
] as const) {
  facts(why, () => {
    const found = factsFrom(probe(answers))
    for (const [name, value] of Object.entries(expected)) assert.is(found[name as keyof typeof found], value)
  })
}

facts('a host without k0s', () => {
  assert.equal(factsFrom(probe({})).k0s, { active: false, readiness: { api: false, nodes: [] } })
})

facts('a broken binary has no version', () => {
  const { binary } = factsFrom(probe({ binarySha256: 'abc', binaryVersion: '', binaryChangedAt: '12.345' })).k0s
  assert.equal(binary, { sha256: 'abc', changedAt: 12_345 })
})

facts('when its process started', () => {
  const answers = { clock: '100000', pid: '42', uptime: '50.00', startedAtTicks: '4000', ticksPerSecond: '100' }
  assert.equal(factsFrom(probe(answers)).k0s.process, { pid: 42, startedAt: 90_000 })
})

facts('an installed service', () => {
  const { unit, active } = factsFrom(
    probe({
      unitName: 'k0scontroller',
      unit: 'ExecStart=/usr/local/bin/k0s controller --single=true',
      unitChangedAt: '1.000',
      service: 'MainPID=0\nActiveState=activating\nUnitFileState=disabled',
    }),
  ).k0s
  assert.equal(unit, {
    name: 'k0scontroller',
    changedAt: 1000,
    enabled: false,
    args: ['controller', '--single=true'],
    environment: {},
  })
  assert.is(active, true)
})

const ETCD_FILE = 'spec: {storage: {type: etcd}}'
for (const [why, answers, expected] of [
  ['none', {}, undefined],
  ['none on the disk', { storage: '' }, undefined],
  ['etcd on the disk', { storage: 'etcd' }, 'etcd'],
  ['kine on the disk, whatever a file says', { storage: 'kine', config: ETCD_FILE }, 'kine'],
  ['both on the disk, and nothing says which', { storage: 'etcd\nkine' }, undefined],
  ['both: as the file says', { storage: 'etcd\nkine', config: ETCD_FILE, ...unitOf('--single') }, 'etcd'],
  ['both: as --single has it', { storage: 'etcd\nkine', ...unitOf('--single=true') }, 'kine'],
  ['both: as it is without --single', { storage: 'etcd\nkine', ...unitOf('--enable-worker') }, 'etcd'],
  ['as the running k0s says', { storage: 'etcd\nkine', ...running('kine'), ...unitOf() }, 'kine'],
  ['a database elsewhere', { config: "spec: {storage: {type: kine, kine: {dataSource: 'mysql://x'}}}" }, 'kine'],
  ['a file that k0s has never run with', { config: ETCD_FILE }, undefined],
  ['nothing that is known', { storage: 'tape' }, undefined],
] as [string, Record<string, string>, string | undefined][]) {
  facts(`where the data is: ${why}`, () => assert.is(factsFrom(probe(answers)).k0s.storage, expected))
}
for (const [why, args, expected] of [
  ['as usual', '--single', '/var/lib/k0s'],
  ['elsewhere', '--data-dir /data/k0s --single', '/data/k0s'],
] as const) {
  facts(`the folder of the data: ${why}`, () => assert.is(dataDirectory(factsFrom(probe(unitOf(args))).k0s), expected))
}
facts.run()

const statuses = suite('parseStatus')
const status = { Version: 'v1.34.0+k0s.0', Role: 'controller', SingleNode: true, Args: ['/usr/local/bin/k0s', 'controller'] }
for (const [why, text, expected] of [
  ['running', JSON.stringify(status), { version: 'v1.34.0+k0s.0', role: 'controller', singleNode: true, args: status.Args }],
  ['hanging, so cut off', '', undefined],
  ['no JSON', 'status: can’t get "status"', undefined],
  ['other JSON', '{}', undefined],
] as const) {
  statuses(why, () => assert.equal(parseStatus(text), expected))
}
statuses.run()

const readiness = suite('readinessFrom')
const OBJECTS = 'Namespace\tdefault\tu1\t\nNamespace\tkube-system\tu2\t\nNode\tvm\tu3\tTrue\nNode\told\tu4\tUnknown'
for (const [why, answers, expected] of [
  ['no API', {}, { api: false, nodes: [] }],
  ['a failing check', { readyz: '[-]etcd failed: reason withheld' }, { api: false, nodes: [] }],
  [
    'all there',
    { readyz: 'ok', objects: OBJECTS },
    {
      api: true,
      clusterUid: 'u2',
      nodes: [
        { name: 'vm', ready: true },
        { name: 'old', ready: false },
      ],
    },
  ],
] as const) {
  readiness(why, () => assert.equal(readinessFrom({ answers: answers as Record<string, string> }), expected))
}
readiness.run()
