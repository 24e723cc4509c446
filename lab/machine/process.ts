import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { identify, isAlive, type ProcessId } from '../../lib/runtime/processes.ts'

/**
 * How much garbage a Go program of a machine may have, in per cent of its live data: the less, the more often it looks for it. LAB_GOGC
 * is for labs that are short of processor time rather than of memory. https://go.dev/doc/gc-guide#GOGC
 */
export const garbage = (usual: number): { GOGC: string } => ({ GOGC: process.env.LAB_GOGC ?? String(usual) })

/** For Go programs that are idle most of the time: no second thread wakes up when a timer fires. https://pkg.go.dev/runtime#hdr-Environment_Variables */
export const THRIFTY = { ...garbage(50), GOMAXPROCS: '1' }

/** Sends the signal unless the process is gone. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(id)) return
  try {
    process.kill(id.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether all processes end within `ms` milliseconds. */
export async function goneWithin(ids: readonly ProcessId[], ms: number): Promise<boolean> {
  const deadline = performance.now() + ms
  while (ids.some(isAlive)) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/**
 * This host's other processes whose arguments or environment variables match. Unlike a record, these cannot be lost.
 * @param of the file in /proc/<pid> that is passed to `fits`
 */
export function processesWith(of: 'cmdline' | 'environ', fits: (words: string[]) => boolean): ProcessId[] {
  const found: ProcessId[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid || !fits(wordsIn(`/proc/${pid}/${of}`))) continue
    const id = identify(pid)
    if (id) found.push(id)
  }
  return found
}

function wordsIn(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0')
  } catch {
    return []
  }
}

const execFileAsync = promisify(execFile)

/** Runs a command to its end and returns its stdout. @throws Error with its stderr when it fails */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execFileAsync(command, args, { maxBuffer: 64 * 1024 * 1024 })
  return stdout
}
