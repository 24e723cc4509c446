import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { identify, isAlive, type ProcessId } from '../../lib/runtime/processes.ts'

/**
 * For Go programs that are idle most of the time: garbage may reach half the size of live data instead of the same size, and no
 * second thread wakes up when a timer fires. https://go.dev/doc/gc-guide#GOGC
 * https://pkg.go.dev/runtime#hdr-Environment_Variables
 */
export const THRIFTY = { GOGC: '50', GOMAXPROCS: '1' }

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
