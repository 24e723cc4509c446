/**
 * Makes a machine stand still: `node freeze.ts <pid of its first process>` stops that process and all that descend from it, says
 * `frozen` on stdout, and lets them go on when its stdin ends. A process of its own, so that the machine goes on as well
 * when whoever copies its disk is killed.
 */
import { readdirSync, readFileSync } from 'node:fs'

const first = Number(process.argv[2])

/**
 * The machine's processes, those of PID namespaces within it too: an orphan is adopted by its namespace's first process, so none
 * ever leaves the tree. The first one comes last: a shell then never sees a child stopped while it runs itself.
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

// A process may have forked between the listing and the signal: until a whole listing shows nobody running.
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
