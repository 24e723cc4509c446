import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createDisk, createDiskFromSnapshot, snapshotDisk } from '../../lab/machine/disk.ts'
import { run } from '../../lab/machine/process.ts'
import { closeLab } from '../../lab/state/private.ts'

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8)

async function withLab(test: (lab: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'threads-ops-private-'))
  // Other users can reach the lab's folder itself.
  chmodSync(folder, 0o755)
  try {
    await test(join(folder, '.lab'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const closing = suite('closeLab')
for (const [path, earlier, now] of [
  ['.', 0o755, '700'],
  ['token', 0o644, '600'],
  ['bin/gcloud', 0o755, '700'],
  ['google', 0o755, '700'],
  ['kube', 0o775, '700'],
  ['registry', 0o755, '700'],
  ['disks', 0o755, '700'],
  ['disks/project', 0o755, '700'],
  ['disks/project/zone', 0o777, '700'],
  ['disks/project/zone/vm', 0o755, '700'],
  ['disks/project/zone/vm/volume', 0o644, '600'],
  ['disks/project/zone/vm/upper', 0o755, '755'],
  ['disks/project/zone/vm/upper/tmp', 0o1777, '1777'],
  ['disks/project/zone/vm/upper/sudo', 0o4755, '4755'],
  ['snapshots/one', 0o755, '700'],
  ['snapshots/one/disk.json', 0o644, '600'],
  ['snapshots/one/upper', 0o755, '755'],
  ['images/golden', 0o755, '700'],
  ['images/golden/upper/etc', 0o755, '755'],
] as const) {
  closing(`an older lab: ${path}`, () =>
    withLab(async lab => {
      const target = join(lab, path)
      mkdirSync(dirname(target), { recursive: true })
      if (/(token|gcloud|volume|json|sudo)$/.test(path)) writeFileSync(target, '')
      else mkdirSync(target, { recursive: true })
      chmodSync(target, earlier)
      await closeLab(lab)
      assert.is(modeOf(target), now)
      assert.is(modeOf(lab), '700')
    }),
  )
}
closing('a new lab, and what a link leads to stays as it is', () =>
  withLab(async lab => {
    await closeLab(lab)
    assert.is(modeOf(lab), '700')
    const outside = `${lab}-outside`
    mkdirSync(outside)
    chmodSync(outside, 0o755)
    writeFileSync(join(outside, 'file'), '')
    chmodSync(join(outside, 'file'), 0o644)
    for (const [name, to] of [
      ['disks', outside],
      ['file', join(outside, 'file')],
    ] as const)
      symlinkSync(to, join(lab, name))
    await closeLab(lab)
    assert.equal([modeOf(outside), modeOf(join(outside, 'file'))], ['755', '644'])
  }),
)
closing.run()

const disks = suite('a disk')
disks('is for its user alone, and its machine’s root for everybody in it; so is what is copied from it', () =>
  withLab(async lab => {
    const [disk, snapshot, copy] = ['disks/p/z/vm', 'snapshots/one', 'disks/p/z/copy'].map(path => join(lab, path)) as [
      string,
      string,
      string,
    ]
    const before = process.umask(0o077)
    try {
      await createDisk(disk, 'x86_64')
      await snapshotDisk(disk, snapshot, work => work())
      await createDiskFromSnapshot(copy, snapshot)
    } finally {
      process.umask(before)
    }
    const nobody = (path: string) => run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'ls', path])
    for (const folder of [disk, snapshot, copy]) {
      assert.is(modeOf(folder), '700')
      const error = await nobody(folder).catch((thrown: Error) => thrown)
      assert.ok(error instanceof Error && /Permission denied/.test(error.message), `${folder}: ${error}`)
    }
    const inside = await run('unshare', [
      ...[
        '--mount',
        'sh',
        '-c',
        'cd "$0"; [ ! -e volume ] || mount -o loop volume .; cd .; stat -c %a "$0/upper" "$0/upper/etc"',
      ],
      copy,
    ])
    assert.equal(inside.trim().split('\n'), ['755', '755'])
  }),
)
for (const mask of [0o022, 0o000])
  disks(`whatever the umask: ${mask.toString(8)}`, () =>
    withLab(async lab => {
      const before = process.umask(mask)
      try {
        await createDisk(join(lab, 'disks/p/z/vm'), 'x86_64')
      } finally {
        process.umask(before)
      }
      const vm = join(lab, 'disks/p/z/vm')
      assert.equal([lab, join(lab, 'disks'), join(lab, 'disks/p/z'), vm].map(modeOf), ['700', '700', '700', '700'])
      assert.equal(
        ['volume', 'disk.json'].map(name => modeOf(join(vm, name))),
        ['600', '600'],
      )
    }),
  )
disks.run()
