import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { processesOf } from '../lab/lifecycle/daemon.ts'
import { isMachineRunning, recordedMachines } from '../lab/machine/hypervisor.ts'
import { recordedNetworks } from '../lab/machine/network.ts'
import { here } from '../lab/state/layout.ts'
import { table } from '../lib/runtime/table.ts'

/**
 * What this checkout's lab costs while nobody uses it: memory as proportional set size, so that what processes share counts once,
 * and processor time over a while. `node bench/lab-idle.ts [seconds]`; exits 1 beyond 1.5 GB or 5 % of a core.
 */
const seconds = Number(process.argv[2] ?? 60)
const MOST_MEMORY = 1.5e9
const MOST_CPU = 5
/** Of a second, as /proc counts processor time. proc_pid_stat(5) */
const TICK = 1 / 100

interface Process {
  pid: number
  parent: number
  name: string
  /** Processor time in seconds, with that of children that have ended. */
  used: number
}

function allProcesses(): Process[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        // The command's name may hold anything, so fields are counted from its end.
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
        return [{ pid: Number(name), parent: Number(fields[1]), name: nameOf(name), used: ticks * TICK }]
      } catch {
        return []
      }
    })
}

function nameOf(pid: string): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const [program = '', script = ''] = words
  const isNode = program.endsWith('/node') && script.endsWith('.ts')
  return (isNode ? script.split('/').slice(-2).join('/') : (program.split(' ')[0] ?? '').split('/').at(-1)) ?? ''
}

/** The lab's own processes and all that descend from them. */
async function roots(): Promise<Set<number>> {
  const networks = await recordedNetworks(here.lab)
  const machines = (await recordedMachines(here.lab)).filter(isMachineRunning)
  return new Set([
    ...processesOf(here).map(({ pid }) => pid),
    ...machines.map(({ supervisor }) => supervisor.pid),
    ...[...networks.values()].flatMap(forwarder => forwarder?.pid ?? []),
  ])
}

async function labProcesses(): Promise<Map<number, Process>> {
  const found = await roots()
  const processes = allProcesses()
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid)
  }
  return new Map(processes.filter(({ pid }) => found.has(pid)).map(process => [process.pid, process]))
}

function memoryOf({ pid }: Process): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

const before = await labProcesses()
const started = performance.now()
await sleep(seconds * 1000)
const elapsed = (performance.now() - started) / 1000
const rows = [...(await labProcesses()).values()]
  .map(process => ({
    ...process,
    memory: memoryOf(process),
    cpu: ((process.used - (before.get(process.pid)?.used ?? process.used)) / elapsed) * 100,
  }))
  .sort((one, other) => other.memory - one.memory)
const memory = rows.reduce((sum, row) => sum + row.memory, 0)
const cpu = rows.reduce((sum, row) => sum + row.cpu, 0)
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)
const cells = rows.map(row => [row.name, megabytes(row.memory), row.cpu.toFixed(2)])
const total = [`${rows.length} processes, ${elapsed.toFixed(0)} s`, megabytes(memory), cpu.toFixed(2)]
process.stdout.write(`${table(['PROCESS', 'MB', '% OF A CORE'], [...cells, total])}\n`)
if (rows.length === 0 || memory > MOST_MEMORY || cpu > MOST_CPU) process.exitCode = 1
