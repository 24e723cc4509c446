import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Destruction } from '../../../../lib/model/layer/destruction.ts'
import { allowance, describeDestruction, describeRefusals } from '../../../../lib/model/layer/refusal.ts'

const now = new Date('2025-12-01T12:00:00Z')
const holdings = { snapshots: { d: [{ name: 's', createdAt: '2025-12-01T10:00:00Z' }] }, claims: { threads: ['postgres-pvc'] } }
const destruction = (rest: Partial<Destruction> = {}): Destruction => ({
  address: 'google_compute_disk.boot',
  type: 'google_compute_disk',
  action: 'delete',
  name: 'd',
  holds: [{ kind: 'disk', name: 'd', sizeGb: 50 }],
  ...rest,
})
const namespace = destruction({
  address: 'module.n.kubernetes_namespace.this["threads"]',
  action: 'replace',
  name: 'threads',
  holds: [{ kind: 'namespace', name: 'threads' }],
})

const lines = suite('describeDestruction')
for (const [why, one, expected] of [
  ['a disk', destruction(), 'delete google_compute_disk.boot · d · disk, 50 GB, newest snapshot s (2 h old)'],
  [
    'a namespace',
    namespace,
    'replace module.n.kubernetes_namespace.this["threads"] · threads · namespace with claims postgres-pvc',
  ],
  ['a deposed object', destruction({ deposed: 'k', holds: [] }), 'delete google_compute_disk.boot (deposed k) · d'],
  ['what has no name', destruction({ name: '', holds: [] }), 'delete google_compute_disk.boot'],
  [
    'a VM with its disk',
    destruction({
      name: 'vm',
      holds: [
        { kind: 'vm', name: 'vm' },
        { kind: 'disk', name: 'vm' },
      ],
    }),
    'delete google_compute_disk.boot · vm · VM · disk, no snapshot',
  ],
] as const) {
  lines(why, () => assert.is(describeDestruction(one, holdings, now), expected))
}
lines.run()

const flags = suite('allowance: a shell reads the address back')
for (const address of [
  'module.a.x_y.z',
  'x_y.z[0]',
  'x_y.z["a b"]',
  `x_y.z["it's"]`,
  'x_y.z["$HOME"]',
  'x_y.z["*"]',
  'x_y.z["a\\"b"]',
]) {
  flags(address, () => {
    const words = execFileSync('sh', ['-c', `printf '%s\\0' ${allowance(address)}`], { encoding: 'utf8' })
      .split('\0')
      .slice(0, -1)
    assert.equal(words, ['--allow-destroy', address])
  })
}
flags.run()

const refusals = suite('describeRefusals')
const where = { layer: '00-vpc', environment: 'prod' }
refusals('what may be allowed, with the flags to paste', () =>
  assert.equal(
    describeRefusals(
      where,
      [
        { destruction: destruction(), reason: 'unallowed' },
        { destruction: namespace, reason: 'unallowed' },
      ],
      holdings,
      now,
    ),
    {
      message: [
        '00-vpc would destroy 2 objects; nothing has been applied:',
        '  delete google_compute_disk.boot · d · disk, 50 GB, newest snapshot s (2 h old)',
        '  replace module.n.kubernetes_namespace.this["threads"] · threads · namespace with claims postgres-pvc',
      ].join('\n'),
      hint: [
        'correct the inputs or the tree if this is not wanted; to let exactly this through, run `up` or `layer:apply` with:',
        '  --allow-destroy google_compute_disk.boot \\',
        `  --allow-destroy 'module.n.kubernetes_namespace.this["threads"]'`,
      ].join('\n'),
    },
  ),
)
refusals('what is guarded offers no flag', () => {
  const { message, hint } = describeRefusals(where, [{ destruction: destruction(), reason: 'guarded' }], holdings, now)
  assert.match(message, 'would destroy 1 object;')
  assert.match(message, '(2 h old) · holds data')
  assert.match(hint, 'environments/prod.yaml')
  assert.not.match(hint, '--allow-destroy google')
})
refusals('both', () => {
  const { hint } = describeRefusals(
    where,
    [
      { destruction: destruction(), reason: 'guarded' },
      { destruction: namespace, reason: 'unannounced' },
    ],
    holdings,
    now,
  )
  assert.match(hint, 'announced anew')
  assert.match(hint, 'guards.destroy is false')
})
refusals('what was not announced says so', () => {
  const { message, hint } = describeRefusals(where, [{ destruction: namespace, reason: 'unannounced' }], holdings, now)
  assert.match(message, '· was not announced')
  // The verbs that announce have no such option.
  assert.not.match(hint, '--allow-destroy')
  assert.match(hint, 'run the same command again')
})
refusals('an address and its deposed object want one flag', () => {
  const two = [destruction(), destruction({ deposed: 'k' })].map(one => ({ destruction: one, reason: 'unallowed' as const }))
  assert.is(describeRefusals(where, two, holdings, now).hint.split('--allow-destroy').length - 1, 1)
})
refusals.run()
