/**
 * Makes a machine stand still: `node freeze.ts <pid of its first process>` stops every process of that PID namespace, says
 * `frozen` on stdout, and lets them go on when its stdin ends. A process of its own, so that the machine goes on as well
 * when whoever copies its disk is killed.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const first = Number(process.argv[2])
const namespace = readlinkSync(`/proc/${first}/ns/pid`)

/** Processes of the namespace, the first one last: a shell then never sees a child stopped while it runs itself. */
function members(): number[] {
  const inside = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`) === namespace
      } catch {
        return false
      }
    })
  return inside.sort((a, b) => Number(a === first) - Number(b === first))
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
