import { readFileSync, readlinkSync } from 'node:fs'
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

/** What tells a process from all others of this machine, also from a later one that has its pid. */
export interface ProcessIdentity {
  pid: number
  /** The kernel's boot and the pid namespace, in which the pid means something. */
  space: string
  /** Start in clock ticks since the boot; '' when it was gone already. */
  start: string
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, space: pidSpace(), start: startOf(pid) }
}

/** Whether that very process runs; undefined when it is one of another machine, boot or pid namespace, where that can't be known. */
export function livesStill({ pid, space, start }: ProcessIdentity): boolean | undefined {
  if (space === '' || space !== pidSpace()) return undefined
  return isRunning(pid) && startOf(pid) === start
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function pidSpace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}
