import { statfs } from 'node:fs/promises'

/** The host's disk counts as full with less than this many bytes left; the rest is for what the lab still has to write then. */
export const LEAST_ROOM = 16 * 2 ** 20

/** Bytes left on a folder's disk. */
export async function roomLeft(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
