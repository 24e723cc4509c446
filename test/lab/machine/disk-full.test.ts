import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createDisk, hasVolume, runInDisk, snapshotDisk } from '../../../lab/machine/disk.ts'
import { fillCommand, fillDisk } from '../../../lab/machine/faults.ts'
import { run } from '../../../lab/machine/process.ts'
import type { Hypervisor } from '../../../lab/machine/types.ts'

const GB = 2 ** 30
const MB = 2 ** 20

const story = suite<{ folder: string; disk: string }>('a full disk')

story.before(async context => {
  context.folder = await mkdtemp(join(tmpdir(), 'full-'))
  context.disk = join(context.folder, 'disk')
})
story.after(({ folder }) => rm(folder, { recursive: true, force: true }))

const onHost = async (path: string): Promise<number> => (await stat(path)).blocks * 512
const left = async (disk: string): Promise<number> =>
  Number((await runInDisk(disk, ['df', '--output=avail', '--block-size=1', '.'])).split('\n')[1])

for (const [size, leave] of [
  [10 * GB, 0],
  [10 * GB, 400 * MB],
  [50 * GB, 0],
] as const) {
  story(`of ${size / GB} GB, but for ${leave / MB} MB, takes next to nothing on the host`, async ({ folder, disk }) => {
    await createDisk(disk, 'x86_64', size)
    if (!(await hasVolume(disk))) return
    const before = await onHost(join(disk, 'volume'))
    await runInDisk(disk, fillCommand('upper/filler', leave))

    const room = await left(disk)
    assert.ok(Math.abs(room - leave) < 2 * MB, `${room} bytes are left`)
    assert.ok((await onHost(join(disk, 'volume'))) - before < 64 * MB, 'the volume has grown')
    const snapshot = join(folder, 'snapshot')
    const copied = await snapshotDisk(disk, snapshot, copy => copy())
    assert.ok(copied < 64 * MB, `a snapshot has ${copied} bytes`)
    await rm(snapshot, { recursive: true })
  })
}

story('where the host has little left, the fault is refused: it takes a little itself', async ({ folder }) => {
  const small = join(folder, 'small')
  await mkdir(small)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', small])
  try {
    await writeFile(join(small, 'volume'), '')
    const hypervisor = { pid: () => assert.unreachable('nothing is written') } as unknown as Hypervisor
    const refused = await fillDisk(hypervisor, { id: 'p/z/vm', disk: small }).catch(error => error.message)
    assert.match(refused, /this host has only 20 MiB left, and the fault takes up to 8/)
  } finally {
    await run('umount', [small])
  }
})

story.run()
