import { readFileSync } from 'node:fs'
import { systemCode } from './errors.ts'

/** Whether a process of this machine and pid namespace runs. One that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}

/** One that was killed keeps its pid until its parent, which may have been killed with it, has asked after it. */
function isZombie(pid: number): boolean {
  try {
    // The name before the state, in parentheses, may hold anything.
    return /\) Z[^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
