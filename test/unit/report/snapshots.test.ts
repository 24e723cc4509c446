import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fatesOf } from '../../../lib/model/snapshot/pruning.ts'
import { planDocument, planText, untilText } from '../../../lib/report/prune.ts'
import { listDocument, listText } from '../../../lib/report/snapshots.ts'

const NOW = new Date('2026-11-29T12:00:00Z')
const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s', 'state-serial': '7' }
const KEEP = { last: 1, daily: 1, timeZone: 'Asia/Taipei' }

const snapshot = (
  name: string,
  createdAt: string,
  labels: Record<string, string> = OURS,
  madeBy: 'toolkit' | 'hand' = 'toolkit',
) => ({
  ...{
    name,
    id: name,
    status: 'READY',
    labels,
    labelFingerprint: 'f',
    createdAt,
    autoCreated: false,
    sourceDisk: 'boot',
    madeBy,
  },
  ...{ layer: labels.layer, diskSizeGb: 50, storageBytes: 3n * 2n ** 20n },
})
const ALL = [
  snapshot('new', '2026-11-29T10:00:00Z'),
  snapshot('safe', '2026-11-28T10:00:00Z', { ...OURS, protect: 'true' }),
  snapshot('old', '2026-11-01T10:00:00Z'),
  snapshot('hand', '2026-10-01T10:00:00Z', {}, 'hand'),
]
const columns = (text: string) => text.split('\n').map(line => line.split(/ {2,}/))
const all = { now: NOW, isShown: () => true }

const lists = suite('the list of snapshots')
lists('says age, sizes, protection, why one is kept and until when', () =>
  assert.equal(columns(listText(ALL, { ...all, keep: KEEP })), [
    ['NAME', 'MADE BY', 'LAYER', 'STATUS', 'SERIAL', 'CREATED', 'AGE', 'GB', 'MIB', 'DISK', 'PROTECTED', 'KEPT AS', 'UNTIL'],
    // 10:00 UTC is 18:00 of the same day in Taipei.
    [
      'new',
      'toolkit',
      '01-k8s',
      'READY',
      '7',
      '2026-11-29T10:00:00Z',
      '2 h',
      '50',
      '3',
      'boot',
      'last snapshot; daily snapshot',
      '1 newer, 2026-11-30',
    ],
    [
      'safe',
      'toolkit',
      '01-k8s',
      'READY',
      '7',
      '2026-11-28T10:00:00Z',
      '26 h',
      '50',
      '3',
      'boot',
      'yes',
      'protected',
      'always',
    ],
    [
      'old',
      'toolkit',
      '01-k8s',
      'READY',
      '7',
      '2026-11-01T10:00:00Z',
      '28 d',
      '50',
      '3',
      'boot',
      'not kept: the next prune deletes it',
      '-',
    ],
    ['hand', 'hand', 'READY', '2026-10-01T10:00:00Z', '59 d', '50', '3', 'boot', 'made by hand', '-'],
  ]),
)
lists('has - for it without a policy', () =>
  assert.equal(
    columns(listText(ALL, { ...all, keep: undefined }))
      .slice(1)
      .map(line => line.slice(-2)),
    ALL.map(() => ['-', '-']),
  ),
)
lists('one layer alone is decided on among all', () => {
  const shown = { ...all, keep: KEEP, isShown: (layer: string | undefined) => layer === undefined }
  assert.equal(
    columns(listText(ALL, shown))
      .slice(1)
      .map(([name]) => name),
    ['hand'],
  )
  assert.is(listText(ALL, { ...shown, isShown: () => false }), 'No snapshots.')
})
lists('the document has whole bytes as text, and null for what is not known', () => {
  const { snapshots } = listDocument([...ALL.slice(0, 1), snapshot('timeless', '')], { ...all, keep: undefined })
  const found = snapshots as unknown as Record<string, unknown>[]
  assert.equal(
    found.map(({ storageBytes, ageSeconds, protected: safe, keep }) => ({ storageBytes, ageSeconds, safe, keep })),
    [
      { storageBytes: '3145728', ageSeconds: 7200, safe: false, keep: null },
      { storageBytes: '3145728', ageSeconds: null, safe: false, keep: null },
    ],
  )
})
lists.run()

const plans = suite('the plan of a prune')
const fates = fatesOf(ALL, KEEP, NOW)
plans('says of each what becomes of it, and why', () =>
  assert.equal(columns(planText(fates, 'Asia/Taipei')), [
    ['', 'NAME', 'LAYER', 'DISK', 'CREATED', 'WHY', 'UNTIL'],
    ['keep', 'new', '01-k8s', 'boot', '2026-11-29T10:00:00Z', 'last snapshot; daily snapshot', '1 newer, 2026-11-30'],
    ['keep', 'safe', '01-k8s', 'boot', '2026-11-28T10:00:00Z', 'protected', 'always'],
    ['remove', 'old', '01-k8s', 'boot', '2026-11-01T10:00:00Z', 'last: 1 are newer; daily: 1 are newer', '-'],
    ['keep', 'hand', 'boot', '2026-10-01T10:00:00Z', 'made by hand', '-'],
    ['1 of 4 to be removed; days and weeks as in Asia/Taipei.'],
  ]),
)
plans('for programs', () =>
  assert.equal((planDocument(fates).snapshots as unknown as object[])[0], {
    ...{ name: 'new', id: 'new', layer: '01-k8s', disk: 'boot', createdAt: '2026-11-29T10:00:00Z', keep: true },
    ...{ reasons: ['last snapshot', 'daily snapshot'], until: { always: false, newer: 1, at: '2026-11-29T16:00:00.000Z' } },
  }),
)
for (const [why, until, expected] of [
  ['nothing says it', undefined, '-'],
  ['an end by number', { always: false, newer: 2, at: undefined }, '2 newer'],
  ['an end by date', { always: false, newer: undefined, at: NOW.getTime() }, '2026-11-29'],
  ['no end', { always: true, newer: undefined, at: undefined }, 'always'],
] as const)
  plans(`until: ${why}`, () => assert.is(untilText(until, 'UTC'), expected))
plans.run()
