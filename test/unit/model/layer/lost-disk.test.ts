import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DiskSnapshot, describeLostDisks, lostDisks } from '../../../../lib/model/layer/lost-disk.ts'
import type { PlannedResource, Values } from '../../../../lib/model/layer/planned.ts'
import { planned } from './fixture.ts'

const snapshot = (name: string, createdAt: string, rest: Partial<DiskSnapshot> = {}): DiskSnapshot => ({
  name,
  createdAt,
  status: 'READY',
  sourceDisk: 'boot',
  architecture: 'X86_64',
  ...rest,
})
const older = snapshot('older', '2025-11-01T00:00:00Z')
const newer = snapshot('newer', '2025-12-01T10:00:00Z')

const boot = (values: Values = {}, actions = ['create']) =>
  planned('module.c.google_compute_disk.boot', actions, { name: 'boot', image: 'debian-13', ...values })
const data = (values: Values = {}) => planned('google_compute_disk.data', ['create'], { name: 'data', ...values })
const vm = (bootDisk: Values, actions = ['create']) =>
  planned('module.c.google_compute_instance.vm', actions, { name: 'vm', boot_disk: [bootDisk] })
const inline = (params: Values) => ({ auto_delete: true, initialize_params: [params] })
/** Its disk is made by the same plan: the path is not known. */
const unknown: Values = { auto_delete: false }
const known: Values = { auto_delete: false, source: 'https://x/zones/z/disks/boot' }

const lost = suite('lostDisks')
for (const [why, plan, snapshots, expected] of [
  ['VM and disk are gone', [boot(), vm(unknown)], [older, newer], ['boot']],
  ['no snapshot: a first run', [boot(), vm(unknown)], [], []],
  ['none that is READY', [boot(), vm(unknown)], [snapshot('s', '2025-12-01T10:00:00Z', { status: 'CREATING' })], []],
  ['the disk exists', [boot({}, ['no-op']), vm(known)], [newer], []],
  ['the disk is changed', [boot({}, ['update']), vm(known, ['no-op'])], [newer], []],
  ['the disk is replaced', [boot({}, ['delete', 'create']), vm(unknown, ['delete', 'create'])], [newer], ['boot']],
  [
    'the disk is imported',
    [planned('google_compute_disk.boot', ['create'], { name: 'boot' }, { importing: { id: 'x' } })],
    [newer],
    [],
  ],
  ['a restore', [boot({ image: null, snapshot: 'newer' }), vm(unknown)], [newer], []],
  ['a clone', [boot({ image: null, source_disk: 'projects/p/zones/z/disks/x' }), vm(unknown)], [newer], []],
  ['an empty text is no snapshot', [boot({ snapshot: '' }), vm(unknown)], [newer], ['boot']],
  ['a replacement by a restore', [boot({ image: null, snapshot: 'newer' }, ['delete', 'create'])], [newer], []],
  ['of another disk’s snapshots', [boot({ name: 'other' }), vm(unknown)], [newer], ['other']],
  ['a VM in another layer', [boot({ name: 'other' })], [newer], ['other']],
  ['a data disk in another layer than the VM', [data()], [newer], []],
  ['a data disk beside a running VM', [data(), vm(known, ['no-op'])], [newer], []],
  ['a data disk beside a running VM with an inline disk', [data(), vm(inline({ image: 'debian-13' }), ['no-op'])], [newer], []],
  [
    'a data disk of which there is a snapshot',
    [data(), vm(known, ['no-op'])],
    [snapshot('s', '2025-12-01T10:00:00Z', { sourceDisk: 'https://x/disks/data' })],
    ['data'],
  ],
  ['a data disk beside a restored one', [data(), boot({ image: null, snapshot: 'newer' }), vm(unknown)], [newer], []],
  ['a data disk beside a lost one', [data(), boot(), vm(unknown)], [newer], ['boot']],
  [
    'nothing tells two apart',
    [data(), boot({ image: null }), vm(unknown)],
    [snapshot('s', '2025-12-01T10:00:00Z', { sourceDisk: 'x' })],
    ['data', 'boot'],
  ],
  ['the only one, made of nothing', [boot({ image: null }), vm(unknown)], [newer], ['boot']],
  [
    'a VM that names the disk to come',
    [boot(), data({ image: 'x' }), vm(known)],
    [snapshot('s', '2025-12-01T10:00:00Z', { sourceDisk: 'x' })],
    ['boot'],
  ],
  ['an inline disk', [vm(inline({ image: 'debian-13', size: 30 }))], [newer], ['vm']],
  ['an inline disk of a replaced VM', [vm(inline({ image: 'debian-13' }), ['create', 'delete'])], [newer], ['vm']],
  ['an inline disk from a snapshot', [vm(inline({ snapshot: 'newer', size: 30 }))], [newer], []],
  ['an inline disk of a VM that stays', [vm(inline({ image: 'debian-13' }), ['update'])], [newer], []],
  ['a VM put on the disk that there is', [vm(known)], [newer], []],
  [
    'the owner’s tree: a disk from a snapshot',
    [
      planned('module.vpc.module.compute.google_compute_disk.boot_from_snapshot[0]', ['create'], {
        name: 'boot',
        snapshot: 'newer',
      }),
      vm({ auto_delete: true }),
    ],
    [newer],
    [],
  ],
  [
    'a VM of a template, which says nothing of its disk',
    [planned('google_compute_instance_from_template.vm', ['create'], { name: 'vm' })],
    [newer],
    ['vm'],
  ],
  [
    'a VM of a template on the disk that there is',
    [planned('google_compute_instance_from_template.vm', ['create'], { name: 'vm', boot_disk: [known] })],
    [newer],
    [],
  ],
  [
    'a VM of a machine image brings its disks',
    [planned('google_compute_instance_from_machine_image.vm', ['create'], { name: 'vm' })],
    [newer],
    [],
  ],
  ['a deletion makes none', [boot({}, ['delete']), vm(unknown, ['delete'])], [newer], []],
  ['a data source', [planned('data.google_compute_disk.boot', ['create'], { name: 'boot' }, { mode: 'data' })], [newer], []],
] as const) {
  lost(why, () =>
    assert.equal(
      lostDisks(plan as readonly PlannedResource[], snapshots as readonly DiskSnapshot[]).map(({ disk }) => disk),
      expected,
    ),
  )
}
lost('the newest snapshot of that disk', () => {
  const others = snapshot('of another', '2025-12-02T00:00:00Z', { sourceDisk: 'x' })
  assert.equal(lostDisks([boot(), vm(unknown)], [older, newer, others]), [
    { address: 'module.c.google_compute_disk.boot', disk: 'boot', newest: newer, snapshots: 3 },
  ])
})
lost('of any, where there is none of that disk', () => {
  const [one] = lostDisks([boot({ name: 'renamed' }), vm(unknown)], [older, newer])
  assert.is(one?.newest.name, 'newer')
})
const arm = snapshot('arm', '2025-12-02T00:00:00Z', { architecture: 'ARM64' })
lost('the newest that the VM could boot from', () => {
  const [one] = lostDisks([boot(), vm(unknown)], [older, newer, arm])
  assert.equal([one?.newest.name, one?.snapshots], ['newer', 3])
})
lost('of any disk that one, where that of this disk could not be booted', () => {
  const elsewhere = snapshot('elsewhere', '2025-11-02T00:00:00Z', { sourceDisk: 'x' })
  assert.is(lostDisks([boot(), vm(unknown)], [elsewhere, arm])[0]?.newest.name, 'elsewhere')
})
lost('one that no x86 VM boots from is still a reason to ask', () => {
  assert.is(lostDisks([boot(), vm(unknown)], [arm])[0]?.newest.name, 'arm')
})
lost.run()

const told = suite('describeLostDisks')
told('what is there to restore, and how', () => {
  const now = new Date('2025-12-01T12:00:00Z')
  const { message, hint } = describeLostDisks('00-vpc', lostDisks([boot(), vm(unknown)], [older, newer]), now)
  assert.match(message, 'module.c.google_compute_disk.boot: disk boot; the newest of 2 snapshots is newer, 2 h old')
  assert.match(hint, 'from newer')
  assert.match(hint, '`--fresh`')
})
told('a snapshot of another architecture is no remedy', () => {
  const { message, hint } = describeLostDisks(
    '00-vpc',
    lostDisks([boot(), vm(unknown)], [arm]),
    new Date('2025-12-02T01:00:00Z'),
  )
  assert.match(message, 'arm, 60 min old, of an ARM64 disk')
  assert.not.match(hint, 'restore')
  assert.match(hint, 'none of them boots an x86 VM')
  assert.match(hint, '`--fresh`')
})
told.run()
