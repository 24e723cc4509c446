import { statfs } from 'node:fs/promises'

/** Bytes: with less than this a disk of the host's counts as full. What the lab does then should not meet the very end of it. */
export const LEAST_ROOM = 16 * 2 ** 20

/** Bytes left on the disk of a folder. */
export async function roomLeft(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
