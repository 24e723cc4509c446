import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, writeFileSync } from 'node:fs'

/** Every user and group is the same one inside: all numbers but the last, which stands for none. user_namespaces(7) */
const SAME = `0 0 ${2 ** 32 - 1}\n`

/**
 * Makes a user namespace. Whoever is in it has capabilities over what belongs to it alone, whatever their number: they can't mount what
 * the machine has, make devices or enter anything outside.
 * @returns a descriptor that keeps it, to be closed
 */
export async function openUserNamespace(): Promise<number> {
  const holder = spawn('unshare', ['--user', '--', 'sh', '-c', 'echo made && read -r _'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const failed = once(holder, 'exit').then(() => Promise.reject(new Error('no user namespace could be made')))
  failed.catch(() => undefined)
  try {
    await Promise.race([once(holder.stdout, 'data'), failed])
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder.pid}/${map}`, SAME)
    return openSync(`/proc/${holder.pid}/ns/user`, 'r')
  } finally {
    holder.kill('SIGKILL')
  }
}
