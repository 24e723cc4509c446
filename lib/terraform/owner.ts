import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { quote } from '../model/shell.ts'
import { precondition, systemCode } from '../runtime/errors.ts'

/** A user's number; null where the system has none. */
export type User = number | null

const currentUser = (): User => process.getuid?.() ?? null

/**
 * Makes sure that Terraform's own folder of a root is the user's who runs it, with all that is in it: it holds the providers, programs that
 * Terraform starts, and says where the state is.
 * @throws OpsError 4 when a part of it is another user's
 */
export async function checkOwner(root: string, user: User = currentUser()): Promise<void> {
  if (user === null) return
  const folder = join(root, '.terraform')
  // The folder may be a link to another. What the links in it lead to is no part of it, such as a cache of providers.
  const owners = [{ path: folder, owner: await ownerOf(folder, stat) }]
  for (const path of [folder, ...(await partsOf(folder))]) owners.push({ path, owner: await ownerOf(path, lstat) })
  const other = owners.find(({ owner }) => owner !== undefined && owner !== user)
  if (other === undefined) return
  throw precondition(
    `${other.path} belongs to another user (${other.owner}, not ${user}); Terraform would run programs from there`,
    `remove the folder, and Terraform makes it anew: rm -r ${quote([folder])}`,
  )
}

const partsOf = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true }).catch((): string[] => [])).map(name => join(folder, name))

/** Undefined when there is no such file. */
async function ownerOf(path: string, look: typeof stat): Promise<number | undefined> {
  try {
    return (await look(path)).uid
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
