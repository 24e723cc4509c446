import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Policy } from '../../../../lib/model/retention/policy.ts'
import { changeSince, fatesOf, type Prunable } from '../../../../lib/model/snapshot/pruning.ts'

const NOW = new Date('2026-11-29T12:00:00Z')
const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s' }
const ONE: Policy = { last: 1, timeZone: 'UTC' }

const snapshot = (name: string, day: number, more: Partial<Prunable> = {}): Prunable => ({
  name,
  id: `id-${name}`,
  status: 'READY',
  labels: OURS,
  labelFingerprint: 'f',
  createdAt: `2026-11-${String(day).padStart(2, '0')}T00:00:00Z`,
  autoCreated: false,
  sourceDisk: 'vm-boot',
  ...more,
})
const [OLD, NEW] = [snapshot('old', 1), snapshot('new', 20)]

const fates = suite('fatesOf')
for (const [why, snapshots, expected] of [
  ['the newest of a layer and disk is kept', [OLD, NEW], { new: 'last snapshot', old: '' }],
  [
    'each layer by itself',
    [OLD, snapshot('vpc', 20, { labels: { ...OURS, layer: '00-vpc' } })],
    { vpc: 'last snapshot', old: 'last snapshot' },
  ],
  [
    'each disk by itself',
    [OLD, snapshot('other', 20, { sourceDisk: 'vm-boot-2' })],
    { old: 'last snapshot', other: 'last snapshot' },
  ],
  [
    'one made by hand takes no place',
    [OLD, snapshot('hand', 20, { labels: { layer: '01-k8s' } })],
    { old: 'last snapshot', hand: 'made by hand' },
  ],
  [
    'nor one by a schedule, whatever its labels',
    [OLD, snapshot('auto', 20, { autoCreated: true })],
    { old: 'last snapshot', auto: 'made by a schedule' },
  ],
  [
    'nor one that failed',
    [OLD, snapshot('failed', 20, { status: 'FAILED' })],
    { old: 'last snapshot', failed: 'it is FAILED' },
  ],
  [
    'nor one that is being taken',
    [OLD, snapshot('next', 20, { status: 'CREATING' })],
    { old: 'last snapshot', next: 'it is CREATING' },
  ],
  [
    'nor one that is being stored',
    [OLD, snapshot('next', 20, { status: 'UPLOADING' })],
    { old: 'last snapshot', next: 'it is UPLOADING' },
  ],
  [
    'nor one that is going already',
    [OLD, snapshot('gone', 20, { status: 'DELETING' })],
    { old: 'last snapshot', gone: 'it is DELETING' },
  ],
  [
    'nor one without a time',
    [OLD, snapshot('timeless', 20, { createdAt: '' })],
    { old: 'last snapshot', timeless: 'nothing says when it was taken' },
  ],
  [
    'a protected one is kept, whatever its age',
    [snapshot('safe', 1, { labels: { ...OURS, protect: 'true' } }), NEW],
    { new: 'last snapshot', safe: 'protected' },
  ],
  [
    'protect=false protects nothing',
    [snapshot('old', 1, { labels: { ...OURS, protect: 'false' } }), NEW],
    { new: 'last snapshot', old: '' },
  ],
  [
    'of two of one moment the name decides, in whatever order they come',
    [snapshot('b', 20), snapshot('a', 20)],
    { a: 'last snapshot', b: '' },
  ],
  ['none', [], {}],
] as [string, Prunable[], Record<string, string>][])
  fates(why, () => {
    const found = fatesOf(snapshots, ONE, NOW).map(({ snapshot: { name }, isKept, reasons }) => [
      name,
      isKept ? reasons.join('; ') : '',
    ])
    assert.equal(Object.fromEntries(found), expected)
  })
fates.run()

const changes = suite('changeSince')
for (const [why, found, expected] of [
  ['nothing', NEW, undefined],
  ['another of the same name', { ...NEW, id: 'other' }, 'another one has its name now'],
  ['a status', { ...NEW, status: 'DELETING' }, 'it is DELETING now'],
  ['protection', { ...NEW, labels: { ...OURS, protect: 'true' }, labelFingerprint: 'g' }, 'it is protected now'],
  ['a label', { ...NEW, labels: { ...OURS, note: 'x' }, labelFingerprint: 'g' }, 'its labels were changed'],
  ['a fingerprint alone: they were changed and changed back', { ...NEW, labelFingerprint: 'g' }, 'its labels were changed'],
  ['labels alone', { ...NEW, labels: {} }, 'its labels were changed'],
] as [string, Prunable, string | undefined][])
  changes(why, () => assert.is(changeSince(NEW, found), expected))
changes.run()
