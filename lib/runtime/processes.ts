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

/** What a pid of this machine means: the kernel's boot, and the namespace, which two containers of one host do not share. */
export const pidSpace: string | undefined = currentPidSpace()

function currentPidSpace(): string | undefined {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}

/** A process as it is written down for other runs, which may be on another machine. */
export interface ProcessIdentity extends ProcessId {
  /** See `pidSpace`; undefined where the platform does not say. */
  space?: string | undefined
}

export const identityOf = (pid: number): ProcessIdentity => ({ startTime: '', pid, ...identify(pid), space: pidSpace })

/** Whether that very process runs; undefined when it is one of another machine, boot or pid namespace, where that can't be known. */
export const livesStill = ({ space, ...id }: ProcessIdentity): boolean | undefined =>
  space === undefined || space !== pidSpace ? undefined : isAlive(id)
