import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDiskFull, MAKE_ROOM, precondition, systemCode } from './errors.ts'

/** The root of the checkout: scripts may be run from any directory. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Writes the whole file or nothing: a temporary file next to it is flushed, then renamed over it. Creates missing folders,
 * which are for the owner alone if the file is.
 * @param mode permission bits, 0600 by default: most of what is written here is a secret or state
 * @throws OpsError 4 with the path when the disk is full
 */
export async function writeAtomically(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true, mode: mode & 0o077 ? 0o777 : 0o700 })
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    // The folder itself may be missing.
    await rm(temporary, { force: true }).catch(() => undefined)
    // Node's own message names no path once the file is open.
    throw isDiskFull(error) ? precondition(`${path}: no space left on device`, MAKE_ROOM, error) : error
  }
}

/** A file's text, or undefined when there is no such file; any other error is thrown. */
export async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The same for a file that somebody has named. @throws OpsError 4 for a folder, or a file that may not be read */
export async function readNamed(path: string): Promise<string | undefined> {
  try {
    return await readIfExists(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EISDIR') throw precondition(`${path} is a folder, not a file`, 'name a file, or move the folder away', error)
    if (code === 'ENOTDIR') throw precondition(`${path}: one of its folders is a file`, 'correct the path', error)
    if (code === 'EACCES') throw precondition(`${path} can't be read`, 'check its owner and mode', error)
    throw error
  }
}
