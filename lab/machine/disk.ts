import { glob, lstat, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isDiskFull } from '../../lib/runtime/errors.ts'
import { root as checkout, writeAtomically } from '../../lib/runtime/files.ts'
import { makePrivate } from '../state/private.ts'
import { readData } from '../state/stored.ts'
import { run } from './process.ts'
import type { Architecture } from './types.ts'

const VOLUME = 'volume'

/** The contents of `disk.json`, which is written last: a folder without it is not a disk. */
interface Disk {
  architecture: Architecture
  createdAt: string
}

const newDiskProgram = fileURLToPath(new URL('./new-disk.sh', import.meta.url))
const withDiskProgram = fileURLToPath(new URL('./with-disk.sh', import.meta.url))

/** The default size of a disk: the smallest that Google offers. */
const SMALLEST = 10 * 2 ** 30
/** No blocks reserved for root, a small journal, and lazy initialization to keep the file sparse. */
const FORMAT = ['-q', '-F', '-m', '0', '-J', 'size=16', '-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard']

/** The top-level folders of a distribution's image; anything else belongs to the host's user. */
const STANDARD = new Set(
  'bin boot dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run sbin srv sys tmp usr var'.split(' '),
)

/** Folders that are empty in a new machine, whatever the host has in them. */
const EMPTY: readonly string[] = [
  ...['/boot', '/home', '/media', '/mnt', '/opt', '/root', '/srv'],
  ...['/etc/k0s', '/etc/ssh', '/etc/sudoers.d', '/etc/systemd/system', '/etc/cron.d'],
  ...['/var/lib/k0s', '/var/log', '/var/mail', '/var/spool', '/var/tmp'],
]

/** Programs that an operator installs in a machine; the host's own must not be taken for them. */
const ABSENT: readonly string[] = ['/usr/local/bin/k0s', '/usr/local/lab']

/** @param bytes its size, if the host has loop devices */
export async function createDisk(disk: string, architecture: Architecture, bytes?: number): Promise<void> {
  const strangers = (await readdir('/')).filter(name => !STANDARD.has(name)).map(name => `/${name}`)
  const personal = personalFolders([dirname(checkout.replace(/\/$/, '')), homedir()], [...EMPTY, ...strangers])
  await makeVolume(disk, bytes)
  const present: string[] = []
  for (const path of [...EMPTY, ...personal]) if (await isDirectory(path)) present.push(path)
  const hidden = [...strangers]
  for (const path of ABSENT) if (await exists(path)) hidden.push(path)
  await runInDisk(disk, ['/bin/sh', newDiskProgram, ...present, '--', ...hidden])
  await describe(disk, { architecture, createdAt: new Date().toISOString() })
}

/** Those of the host user's folders that have to be emptied: neither is one emptied with another, nor is it a folder of every machine's root. */
export function personalFolders(folders: readonly string[], emptied: readonly string[]): string[] {
  const isIn = (path: string, parent: string) => path.startsWith(`${parent}/`)
  const own = [...new Set(folders)].filter(path => path.split('/').length > 2)
  return own.filter(path => !emptied.includes(path) && ![...emptied, ...own].some(parent => isIn(path, parent)))
}

/** @param bytes its size, if the host has loop devices */
export async function createDiskFromSnapshot(disk: string, snapshot: string, bytes?: number): Promise<void> {
  const { architecture } = await readDisk(snapshot)
  await makeVolume(disk, bytes)
  await runInDisk(disk, ['mkdir', 'work'])
  await runInDisk(disk, ['cp', '-a', '--reflink=auto', join(snapshot, 'upper'), 'upper'])
  await describe(disk, { architecture, createdAt: new Date().toISOString() })
}

/**
 * Creates an empty folder for a disk, with a volume in it: a sparse file with a file system, so that the disk has a size and
 * can be full. Without loop devices on the host, the folder itself is the disk, as large as the file system that it is on.
 */
async function makeVolume(disk: string, bytes = SMALLEST): Promise<void> {
  await rm(disk, { recursive: true, force: true })
  await makePrivate(disk)
  const volume = join(disk, VOLUME)
  try {
    await writeFile(volume, '', { mode: 0o600, flag: 'wx' })
    await truncate(volume, bytes)
    await run('mkfs.ext4', [...FORMAT, volume])
    await runInDisk(disk, ['true'])
  } catch (error) {
    await rm(volume, { force: true })
    if (isDiskFull(error)) throw error
  }
}

/** Grows the volume of an unused disk, and its file system, to at least this size. */
export async function growDisk(disk: string, bytes: number): Promise<void> {
  const volume = join(disk, VOLUME)
  const size = (await stat(volume).catch(() => undefined))?.size
  if (size === undefined || size >= bytes) return
  await truncate(volume, bytes)
  // resize2fs demands a check first.
  await checkVolume(volume, ['-f'])
  await run('resize2fs', [volume])
}

/**
 * Repairs the volume of an unused disk after a power cut, or after the host ran out of space; fast when there is nothing to
 * repair.
 */
export async function checkDisk(disk: string): Promise<void> {
  if (!(await hasVolume(disk))) return
  const volume = join(disk, VOLUME)
  // The kernel unmounts the volume a moment after a machine's last process has ended.
  const deadline = performance.now() + UNMOUNTED_WITHIN_MS
  while ((await run('losetup', ['--associated', volume])) !== '') {
    if (performance.now() > deadline) throw new Error(`${basename(disk)}: its volume is still mounted`)
    await sleep(20)
  }
  await checkVolume(volume)
}

const UNMOUNTED_WITHIN_MS = 10_000

/** Exit codes 1 and 2 mean that errors were corrected. */
const checkVolume = (volume: string, options: readonly string[] = []): Promise<unknown> =>
  run('e2fsck', [...options, '-y', volume]).catch(error => {
    if (error.code !== 1 && error.code !== 2) throw error
  })

/** Whether the disk has a volume, and so a size of its own. */
export const hasVolume = (disk: string): Promise<boolean> => exists(join(disk, VOLUME))

/** Runs a command in the disk's folder, where `upper` holds what differs from the image. */
export const runInDisk = (disk: string, command: readonly string[]): Promise<string> =>
  run('unshare', ['--mount', '/bin/sh', withDiskProgram, disk, ...command])

/**
 * Copies a disk while `standstill` runs its argument, during which nothing writes to the disk.
 * @returns the size of the copy in bytes
 */
export async function snapshotDisk(
  disk: string,
  snapshot: string,
  standstill: (copy: () => Promise<void>) => Promise<void>,
): Promise<number> {
  const { architecture } = await readDisk(disk)
  const partial = `${snapshot}.partial`
  await rm(partial, { recursive: true, force: true })
  try {
    await makePrivate(partial)
    await standstill(async () => {
      await runInDisk(disk, ['cp', '-a', '--reflink=auto', 'upper', join(partial, 'upper')])
    })
    await describe(partial, { architecture, createdAt: new Date().toISOString() })
    await run('sync', ['--file-system', partial])
    await rename(partial, snapshot)
  } catch (error) {
    // On a full disk it would take up the space that the next attempt needs.
    await rm(partial, { recursive: true, force: true })
    throw error
  }
  const [bytes] = (await run('du', ['--summarize', '--block-size=1', snapshot])).split('\t')
  return Number(bytes)
}

/** Deletes a disk. Its description goes first, so that an interrupted deletion does not leave half a disk. */
export async function removeDisk(disk: string): Promise<void> {
  await rm(join(disk, 'disk.json'), { force: true })
  for (const folder of [disk, `${disk}.partial`]) await rm(folder, { recursive: true, force: true })
}

/** @throws Error when the folder is not a complete disk or snapshot; OpsError 4 when its description is damaged */
export async function readDisk(disk: string): Promise<Disk> {
  const file = join(disk, 'disk.json')
  if (!(await exists(file))) throw new Error(`${basename(disk)}: no bootable disk`)
  return readData<Disk>(file, ({ architecture }) => architecture === 'x86_64' || architecture === 'arm64')
}

/** Reads the descriptions of all disks, images and snapshots of a lab. @throws OpsError 4 when one is damaged */
export async function checkDisks(lab: string): Promise<void> {
  for await (const file of glob(['disks/*/*/*/disk.json', '{images,snapshots}/*/disk.json'], { cwd: lab }))
    await readDisk(dirname(join(lab, file)))
}

const describe = (disk: string, description: Disk): Promise<void> =>
  writeAtomically(join(disk, 'disk.json'), `${JSON.stringify(description, null, 2)}\n`)

const isDirectory = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true && !(await lstat(path)).isSymbolicLink()

const exists = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined
