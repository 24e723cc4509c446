import { readFileSync, readlinkSync } from 'node:fs'
import { systemCode } from './errors.ts'

/** Whether a process of this machine and pid namespace runs. One that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false
  }
  return !hasEnded(statOf(pid)?.state)
}

/** A zombie keeps its pid until its parent, which may have been killed with it, has asked after it. */
const hasEnded = (state: string | undefined): boolean => state === 'Z' || state === 'X'

/** What /proc says of a process; undefined where there is none, or no /proc. */
function statOf(pid: number): { state: string; startTime: string } | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The command's name is in parentheses and may contain anything, so fields are counted from the last parenthesis.
  const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state, startTime: rest[18] ?? '' }
}

/** Identifies a process, even if its pid is reused later. */
export interface ProcessId {
  pid: number
  /** Clock ticks from the host's boot to the process's start, as in field 22 of /proc/<pid>/stat. */
  startTime: string
}

/** The process with this pid, or undefined when there is none or it is a zombie. */
export function identify(pid: number): ProcessId | undefined {
  const { state, startTime = '' } = statOf(pid) ?? {}
  return startTime === '' || hasEnded(state) ? undefined : { pid, startTime }
}

/** Whether that very process runs; of one whose start is not known ('', as without /proc), whether any runs with its pid. */
export const isAlive = ({ pid, startTime }: ProcessId): boolean =>
  startTime === '' ? isRunning(pid) : identify(pid)?.startTime === startTime

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
