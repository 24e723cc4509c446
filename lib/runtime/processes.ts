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

/** Identifies a process, even if its pid is reused later. */
export interface ProcessId {
  pid: number
  /** Clock ticks from the host's boot to the process's start, as in field 22 of /proc/<pid>/stat. */
  startTime: string
}

/** The process with this pid, or undefined when there is none or it is a zombie. */
export function identify(pid: number): ProcessId | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The command's name is in parentheses and may contain anything, so fields are counted from the last parenthesis.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const startTime = rest[18]
  return state === 'Z' || state === 'X' || !startTime ? undefined : { pid, startTime }
}

export const isAlive = (id: ProcessId): boolean => identify(id.pid)?.startTime === id.startTime
