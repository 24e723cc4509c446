import { spawn } from 'node:child_process'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { type ExitCode, exitCodes, OpsError, precondition } from '../../lib/runtime/errors.ts'
import { root } from '../../lib/runtime/files.ts'
import type { ProcessId } from '../../lib/runtime/processes.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { goneWithin, processesWith, run, signal } from '../machine/process.ts'
import { filesBelow } from '../state/files.ts'
import type { Layout } from '../state/layout.ts'
import { readRecord } from '../state/stored.ts'

/** A program of the lab that outlives the command that started it: `node <program> --lab <lab>`. */
export interface Daemon {
  name: 'google' | 'delivery'
  /** Path of its main module from the checkout's root. */
  program: string
  /** Main modules of the programs that it starts in turn. */
  starts?: readonly string[]
  /** Names of the members of its record, `.lab/run/<name>.json`, that contain its loopback ports. */
  ports: readonly string[]
}

export const google: Daemon = {
  name: 'google',
  program: 'lab/google/main.ts',
  starts: ['lab/machine/forwarder.ts'],
  ports: ['port', 'tlsPort'],
}
export const delivery: Daemon = {
  name: 'delivery',
  program: 'lab/delivery/main.ts',
  ports: ['gitPort', 'registryPort', 'githubPort'],
}
export const daemons: readonly Daemon[] = [google, delivery]

export type DaemonRecord = Record<string, number>

/** How long a daemon may take to start listening, and to stop. */
const START_MS = 20_000
const STOP_MS = 8_000

const recordFile = ({ run }: Layout, { name }: Daemon): string => join(run, `${name}.json`)

/**
 * The record that a running daemon wrote when it began to listen; undefined when it is dead, not listening, or older than its
 * sources.
 */
export async function runningDaemon(layout: Layout, daemon: Daemon): Promise<DaemonRecord | undefined> {
  const file = recordFile(layout, daemon)
  const record = (await readRecord<DaemonRecord>(file)) as DaemonRecord | undefined
  if (!record || processesOf(layout, daemon).length === 0) return undefined
  const answers = await Promise.all(daemon.ports.map(name => listens(record[name] ?? 0)))
  if (answers.includes(false)) return undefined
  const { mtimeMs } = await stat(file)
  return (await newestSource()) <= mtimeMs ? record : undefined
}

/**
 * Starts the daemon unless it is running and up to date.
 * @returns its record
 * @throws OpsError the daemon's own, 4 when it died without one, 124 when it does not listen
 */
export async function ensureDaemon(layout: Layout, daemon: Daemon): Promise<DaemonRecord> {
  const running = await runningDaemon(layout, daemon)
  if (running) return running
  await stopDaemon(layout, daemon)
  await mkdir(layout.run, { recursive: true })
  await mkdir(layout.logs, { recursive: true })
  await compile(daemon)
  const logFile = join(layout.logs, `${daemon.name}.log`)
  const log = await open(logFile, 'a', 0o600)
  const { size: earlier } = await log.stat()
  let exitCode: number | null | undefined
  const started = Date.now()
  try {
    const child = spawn(process.execPath, [join(root, daemon.program), '--lab', layout.lab], {
      cwd: root,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    child.once('error', () => {
      exitCode = null
    })
    child.once('exit', code => {
      exitCode = code
    })
    child.unref()
  } finally {
    await log.close()
  }
  return waitFor({
    what: `${daemon.program} to listen`,
    within: START_MS,
    every: 30,
    hint: `see ${logFile}`,
    probe: async () => {
      if (exitCode !== undefined) throw died(daemon, exitCode, (await readFile(logFile)).subarray(earlier).toString(), logFile)
      const { mtimeMs } = await stat(recordFile(layout, daemon))
      return mtimeMs < started ? undefined : runningDaemon(layout, daemon)
    },
  })
}

/**
 * Why a daemon died while starting: with the exit code of an expected failure, its last two lines are the message and the hint.
 * @param said its whole output
 */
export function died({ program }: Daemon, exitCode: number | null, said: string, logFile: string): OpsError {
  const lines = said.trimEnd().split('\n')
  const [message, hint] = lines.slice(-2)
  const isExpected = exitCode !== exitCodes.bug && Object.values<number | null>(exitCodes).includes(exitCode)
  if (isExpected && message && hint) return new OpsError(exitCode as ExitCode, message, hint)
  return precondition(`${program} ended while it started:\n${lines.slice(-6).join('\n')}`, `see ${logFile}`)
}

/** Stops the daemon, whoever started it. Its record stays, so that the next one can listen on the same port. */
export const stopDaemon = (layout: Layout, daemon: Daemon): Promise<void> => endAll(processesOf(layout, daemon))

/** Sends SIGTERM, then SIGKILL to those that are still running. */
export async function endAll(processes: readonly ProcessId[]): Promise<void> {
  for (const id of processes) signal(id, 'SIGTERM')
  if (await goneWithin(processes, STOP_MS)) return
  for (const id of processes) signal(id, 'SIGKILL')
  await goneWithin(processes, STOP_MS)
}

/**
 * The lab's processes on this host: those of a daemon, or all that were started with `--lab <this lab>`. They are found by
 * their command lines, which unlike a record cannot be lost.
 */
export const processesOf = ({ lab }: Layout, daemon?: Daemon): ProcessId[] =>
  processesWith('cmdline', words => {
    const at = words.indexOf('--lab')
    const isOfLab = at >= 0 && words[at + 1] === lab
    return isOfLab && (!daemon || words.some(word => word.endsWith(daemon.program)))
  })

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.setTimeout(1000, () => socket.destroy())
    socket.once('connect', () => socket.destroy())
  })
}

/** When the daemons' sources last changed, in milliseconds since the epoch. */
async function newestSource(): Promise<number> {
  const folders = ['lab/google', 'lab/delivery', 'lab/http', 'lab/machine', 'lab/state', 'lib/runtime'].map(folder =>
    join(root, folder),
  )
  const times = folders.map(async folder => {
    const files = (await filesBelow(folder)).filter(file => file.endsWith('.ts'))
    return Promise.all(files.map(async file => (await stat(join(folder, file))).mtimeMs))
  })
  return Math.max(...(await Promise.all(times)).flat())
}

/** Errors are ignored: the daemon reports them when it starts. */
async function compile({ program, starts = [] }: Daemon): Promise<void> {
  if (!process.env.NODE_COMPILE_CACHE) return
  const files = [program, ...starts].map(file => join(root, file))
  await run(process.execPath, [join(root, 'lab/lifecycle/compile.ts'), ...files]).catch(() => undefined)
}
