import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root as checkout, writeAtomically } from '../../lib/runtime/files.ts'
import { run } from './process.ts'
import type { Architecture } from './types.ts'

/** What `disk.json` says; it is written last, so a folder without it is no disk. */
interface Disk {
  architecture: Architecture
  createdAt: string
}

const newDiskProgram = fileURLToPath(new URL('./new-disk.sh', import.meta.url))

/** What a distribution's image has at its top; anything else there is the host user's. */
const STANDARD = new Set(
  'bin boot dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run sbin srv sys tmp usr var'.split(' '),
)

/** Folders that a new machine has empty, however full the host's are. */
const EMPTY: readonly string[] = [
  ...['/boot', '/home', '/media', '/mnt', '/opt', '/root', '/srv'],
  ...['/etc/k0s', '/etc/ssh', '/etc/sudoers.d', '/etc/systemd/system', '/etc/cron.d'],
  ...['/var/lib/k0s', '/var/log', '/var/mail', '/var/spool', '/var/tmp'],
]

/** Programs that an operator installs in a machine and that the host's must not pass for. */
const ABSENT: readonly string[] = ['/usr/local/bin/k0s', '/usr/local/lab']

export async function createDisk(disk: string, architecture: Architecture): Promise<void> {
  const strangers = (await readdir('/')).filter(name => !STANDARD.has(name)).map(name => `/${name}`)
  // Where the host's user keeps things, if it is not in a folder that is emptied anyway.
  const personal = [dirname(checkout.replace(/\/$/, '')), homedir()].filter(
    path => path.split('/').length > 2 && ![...EMPTY, ...strangers].some(parent => `${path}/`.startsWith(`${parent}/`)),
  )
  await rm(disk, { recursive: true, force: true })
  await mkdir(join(disk, 'work'), { recursive: true })
  await mkdir(join(disk, 'upper'))
  const present: string[] = []
  for (const path of [...EMPTY, ...personal]) if (await isDirectory(path)) present.push(path)
  const hidden = [...strangers]
  for (const path of ABSENT) if (await exists(path)) hidden.push(path)
  await run('unshare', ['--mount', '/bin/sh', newDiskProgram, disk, ...present, '--', ...hidden])
  await writeFile(join(disk, 'upper/etc/machine-id'), `${randomBytes(16).toString('hex')}\n`)
  await describe(disk, { architecture, createdAt: new Date().toISOString() })
}

export async function createDiskFromSnapshot(disk: string, snapshot: string): Promise<void> {
  const { architecture } = await readDisk(snapshot)
  await rm(disk, { recursive: true, force: true })
  await mkdir(join(disk, 'work'), { recursive: true })
  await run('cp', ['-a', '--reflink=auto', join(snapshot, 'upper'), join(disk, 'upper')])
  await describe(disk, { architecture, createdAt: new Date().toISOString() })
}

/**
 * Copies a disk that nobody writes to while `standstill` runs its argument.
 * @returns bytes that the copy takes
 */
export async function snapshotDisk(
  disk: string,
  snapshot: string,
  standstill: (copy: () => Promise<void>) => Promise<void>,
): Promise<number> {
  const { architecture } = await readDisk(disk)
  const partial = `${snapshot}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  await standstill(async () => {
    await run('cp', ['-a', '--reflink=auto', join(disk, 'upper'), join(partial, 'upper')])
  })
  await describe(partial, { architecture, createdAt: new Date().toISOString() })
  await run('sync', ['--file-system', partial])
  await rename(partial, snapshot)
  const [bytes] = (await run('du', ['--summarize', '--block-size=1', snapshot])).split('\t')
  return Number(bytes)
}

/** Deletes what may be left half-deleted: first it stops being a disk. */
export async function removeDisk(disk: string): Promise<void> {
  await rm(join(disk, 'disk.json'), { force: true })
  for (const folder of [disk, `${disk}.partial`]) await rm(folder, { recursive: true, force: true })
}

/** @throws Error when the folder is not a disk or snapshot that was finished. */
export async function readDisk(disk: string): Promise<Disk> {
  const text = await readFile(join(disk, 'disk.json'), 'utf8').catch(() => undefined)
  if (text === undefined) throw new Error(`${basename(disk)}: no bootable disk`)
  return JSON.parse(text) as Disk
}

const describe = (disk: string, description: Disk): Promise<void> =>
  writeAtomically(join(disk, 'disk.json'), `${JSON.stringify(description, null, 2)}\n`)

const isDirectory = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true && !(await lstat(path)).isSymbolicLink()

const exists = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined
