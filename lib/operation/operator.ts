import { hostname, userInfo } from 'node:os'
import { root } from '../runtime/files.ts'
import { shell } from '../runtime/zx.ts'

/** Who runs this, as `user@host`. */
export const operator = (): string => `${userInfo().username}@${hostname()}`

/** The commit that the checkout is at; `unknown` outside a repository. */
export async function gitSha(): Promise<string> {
  const output = await shell({ cwd: root, nothrow: true })`git rev-parse HEAD`
  return output.exitCode === 0 ? output.stdout.trim() : 'unknown'
}
