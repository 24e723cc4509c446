import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfExists, writeAtomically } from '../runtime/files.ts'
import { isValues } from './scratch.ts'

/** A note beside what `init` has left in a root: with which files something was found in order, or done. */
export interface Stamp {
  isCurrent(layer: string): Promise<boolean>
  write(layer: string): Promise<void>
  remove(layer: string): Promise<void>
}

/** @param fingerprint of all that it depends on, as it is now */
export function createStamp(
  name: string,
  root: (layer: string) => string,
  fingerprint: (layer: string) => Promise<string>,
): Stamp {
  const file = (layer: string) => join(root(layer), '.terraform', name)
  return {
    isCurrent: async layer => (await readIfExists(file(layer))) === (await fingerprint(layer)),
    write: async layer => writeAtomically(file(layer), await fingerprint(layer)),
    remove: layer => rm(file(layer), { force: true }),
  }
}

const isRead = (file: string, values: boolean): boolean =>
  (/\.tf(\.json)?$/.test(file) || file === '.terraform.lock.hcl' || (values && isValues(file))) && !file.includes('.terraform/')

/** A hash of every .tf file and lock file under the folders, with `values` of those too from which variables are taken, and of the backends' configurations. */
export async function fingerprint(
  folders: string[],
  backendConfigs: (string | undefined)[],
  { values = false, more = '' }: { values?: boolean; more?: string } = {},
): Promise<string> {
  const hash = createHash('sha256').update(more)
  for (const folder of folders) {
    const files = (await readdir(folder, { recursive: true }).catch((): string[] => [])).filter(file => isRead(file, values))
    for (const file of files.sort()) hash.update(file).update(await readFile(join(folder, file)))
  }
  for (const file of new Set(backendConfigs)) if (file !== undefined) hash.update(await readFile(file))
  return hash.digest('hex')
}
