import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Sorted paths of all files below a folder, relative to it; `isSkipped` excludes files and folders by name. */
export async function filesBelow(folder: string, isSkipped: (name: string) => boolean = () => false): Promise<string[]> {
  const visit = async (below: string): Promise<string[]> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => [])
    const nested = entries
      .filter(entry => !isSkipped(entry.name))
      .map(async entry => (entry.isDirectory() ? visit(join(below, entry.name)) : [join(below, entry.name)]))
    return (await Promise.all(nested)).flat()
  }
  return (await visit('')).sort()
}

/** A hash of the names and contents of all files in the folders. */
export async function hashOf(folders: readonly string[], isSkipped?: (name: string) => boolean): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of folders) {
    const files = await filesBelow(folder, isSkipped)
    const contents = await Promise.all(files.map(file => readFile(join(folder, file))))
    files.forEach((file, index) => {
      hash.update(`${file}\0`).update(contents[index] ?? '')
    })
  }
  return hash.digest('hex')
}
