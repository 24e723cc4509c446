import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Paths of the files in a folder and below, relative to it, sorted; `isSkipped` names files and folders to pass over. */
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

/** One hash over the names and contents of the folders' files. */
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
