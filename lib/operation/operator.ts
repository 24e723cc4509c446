import { hostname, userInfo } from 'node:os'
import { root } from '../runtime/files.ts'
import { shell } from '../runtime/zx.ts'

/** Who runs this, as `user@host`. */
export const operator = (): string => `${userInfo().username}@${hostname()}`

/** The commit that a folder's repository is at, by default this checkout; `unknown` outside one. */
export async function gitSha(folder = root): Promise<string> {
  const output = await shell({ cwd: root, nothrow: true })`git -C ${folder} rev-parse HEAD`
  return output.exitCode === 0 ? output.stdout.trim() : 'unknown'
}
