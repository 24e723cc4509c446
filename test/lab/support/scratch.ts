import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx/core'
import { goneWithin, processesWith, signal } from '../../../lab/machine/process.ts'
import type { ProcessId } from '../../../lib/runtime/processes.ts'

/** Names the folder in which a run of several files keeps a lab that is up; see kept-lab.ts. */
export const KEPT_LABS = 'THREADS_OPS_KEPT_LABS'

/** What one run of the tests has for temporary files: its checkouts, their labs, and the lab that is kept for the next file. */
export interface Scratch {
  folder: string
  /** By which a test file finds it. */
  environment: Record<string, string>
  /** Kills all that was started and still runs. */
  end(): Promise<void>
  /** Ends and deletes whatever is left. @returns the processes and mounts that nobody had ended */
  clear(): Promise<string[]>
}

/** How long whoever was told to end may take for it, and how long a killed process may take to die. */
const ENDING_MS = 2000
const GONE_MS = 10_000

/** Labs wait for the processor rather than for memory. */
const PLENTY = { LAB_GOGC: '200' }

/** @param options.keepsLabs whether a lab that one file brings up is kept for the others */
export async function makeScratch({ keepsLabs }: { keepsLabs: boolean }): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-run-'))
  return {
    folder,
    environment: {
      TMPDIR: folder,
      XDG_RUNTIME_DIR: folder,
      ...PLENTY,
      ...(keepsLabs && { [KEPT_LABS]: join(folder, 'kept') }),
    },
    end: () => end(folder),
    clear: () => clear(folder),
  }
}

/** Whoever were asked to end might start another one first. */
async function end(folder: string): Promise<void> {
  const strays = processesOf(folder)
  for (const stray of strays) signal(stray, 'SIGKILL')
  await goneWithin(strays, GONE_MS)
}

async function clear(folder: string): Promise<string[]> {
  const quietly = $({ quiet: true, nothrow: true })
  await goneWithin(processesOf(folder), ENDING_MS)
  const left = [...(await Promise.all(processesOf(folder).map(({ pid }) => describe(pid)))), ...(await mountsBelow(folder))]
  await end(folder)
  for (const name of await readdir(folder)) {
    if (existsSync(join(folder, name, '.lab'))) await quietly({ cwd: join(folder, name) })`./taskw lab:down`
  }
  for (const mount of (await mountsBelow(folder)).reverse()) await quietly`umount --lazy ${mount}`
  await $({ quiet: true })`rm -rf --one-file-system ${folder}`
  return left
}

/** Those that a file of the run started, and those of its checkouts' labs. */
function processesOf(folder: string): ProcessId[] {
  const found = [
    ...processesWith('environ', words => words.includes(`TMPDIR=${folder}`)),
    ...processesWith('cmdline', words => words.some(word => word.includes(`${folder}/`))),
  ]
  return [...new Map(found.map(id => [id.pid, id])).values()]
}

async function describe(pid: number): Promise<string> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return `process ${pid}: ${words.replaceAll('\0', ' ').trim()}`
}

/** Mount points, outermost first. */
async function mountsBelow(folder: string): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8')
  return table
    .split('\n')
    .map(line => line.split(' ')[1] ?? '')
    .filter(path => path.startsWith(`${folder}/`))
}
