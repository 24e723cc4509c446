/**
 * Freezes a machine: `node freeze.ts <pid of its first process>` stops that process and all its descendants, prints `frozen` on
 * stdout, and lets them continue when its stdin ends. It is a separate process so that the machine continues even if the
 * process that copies its disk is killed.
 */
import { readdirSync, readFileSync } from 'node:fs'

const first = Number(process.argv[2])

/**
 * The machine's processes, including those in nested PID namespaces: an orphan is adopted by its namespace's first process, so
 * none ever leaves the tree. The machine's first process comes last: a shell, it must not see a stopped child while it is
 * running.
 */
function members(): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [first]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found.reverse()
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

function isStopped(pid: number): boolean {
  try {
    return /^State:\s+[TtZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

// A process may fork between the listing and the signal, so this repeats until a listing shows no running process.
for (let running = members().filter(pid => !isStopped(pid)); running.length > 0; ) {
  for (const pid of [...running].reverse()) send(pid, 'SIGSTOP')
  running = members().filter(pid => !isStopped(pid))
}

const thaw = () => {
  for (const pid of members()) send(pid, 'SIGCONT')
}
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => process.stdin.destroy())
process.stdin.on('close', thaw).resume()
process.stdout.on('error', () => process.stdin.destroy())
process.stdout.write('frozen\n')
