import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { quote } from '../model/shell.ts'
import { precondition, systemCode } from '../runtime/errors.ts'

/** A user's number; null where the system has none. */
export type User = number | null

const currentUser = (): User => process.getuid?.() ?? null

/**
 * Makes sure that Terraform's own folder of a root is the user's who runs it: it holds the providers, programs that Terraform starts, and
 * says where the state is. A link's target counts as well.
 * @throws OpsError 4 when it is another user's
 */
export async function checkOwner(root: string, user: User = currentUser()): Promise<void> {
  if (user === null) return
  const folder = join(root, '.terraform')
  const owners = await Promise.all([ownerOf(folder, lstat), ownerOf(folder, stat)])
  const other = owners.find(owner => owner !== undefined && owner !== user)
  if (other === undefined) return
  throw precondition(
    `${folder} belongs to another user (${other}, not ${user}), and holds programs that Terraform would run`,
    `remove it, and Terraform makes it anew: rm -r ${quote([folder])}`,
  )
}

/** Undefined when there is no such file. */
async function ownerOf(path: string, look: typeof stat): Promise<number | undefined> {
  try {
    return (await look(path)).uid
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
