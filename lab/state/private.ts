import { chmod, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Takes from whatever a process of the lab writes what others than its user could do with it. */
export const PRIVATE_UMASK = 0o077

/** How many levels of folders in these are the lab's: a disk is `disks/<project>/<zone>/<name>`. What is in it is its machine's. */
const LEVELS: Readonly<Record<string, number>> = { disks: 3, snapshots: 1, images: 1 }

/** Creates a folder for the lab's user alone; so are those above it that are missing. */
export const makePrivate = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/**
 * Closes a lab to everybody but its user, however it was made: its folder, the folders and files directly in it, and each disk, image
 * and snapshot with its files. The modes within a disk's file system are its machine's, in which other users have to get about.
 */
export async function closeLab(lab: string): Promise<void> {
  await makePrivate(lab)
  await closeFolder(lab)
  for (const { name } of await foldersIn(lab)) await closeLevels(join(lab, name), LEVELS[name] ?? 0)
}

async function closeLevels(folder: string, levels: number): Promise<void> {
  await closeFolder(folder)
  if (levels > 0) for (const { name } of await foldersIn(folder)) await closeLevels(join(folder, name), levels - 1)
}

/** The folder and its files; a link would lead to what may not be the lab's. */
async function closeFolder(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isSocket()) continue
    const path = join(folder, entry.name)
    // A file may go meanwhile: what runs replaces its records.
    const { mode } = (await lstat(path).catch(() => undefined)) ?? { mode: 0 }
    if (mode & PRIVATE_UMASK) await chmod(path, mode & 0o700).catch(ignoringGone)
  }
}

const foldersIn = async (folder: string) =>
  (await readdir(folder, { withFileTypes: true })).filter(entry => entry.isDirectory())

const ignoringGone = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error
}
