import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx/core'
import { namespacePrefix } from '../../../lab/machine/network.ts'
import { external } from '../../../lib/runtime/errors.ts'
import { readIfExists, root } from '../../../lib/runtime/files.ts'
import type { Journal, PhaseRecord } from '../../../lib/runtime/journal.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'

/** What a command did: its exit code, what it printed, and its `--json` document if it printed one. */
export interface Ran {
  code: number | null
  stdout: string
  stderr: string
  ms: number
  document: Document
}

/** As much of a `--json` document as the tests look at. */
export interface Document {
  schema: string
  exitCode: number
  verdict?: string
  run?: string
  changed?: number
  phases?: { id: string; status?: string; state?: string; evidence?: Record<string, unknown> }[]
  findings?: { rule: string; severity: string; object: string }[]
  layers?: { layer: string; applied: boolean; serial: number; resources: number }[]
  snapshots?: {
    name: string
    status: string
    labels: Record<string, string>
    description: string
    diskSizeGb: number
    madeBy: string
    layer: string | null
  }[]
  exports?: Record<string, string>
  machines?: { project: string; name: string; address: string; state: string; reason: string | null; pid: number }[]
  [more: string]: unknown
}

/** A clone of this checkout with a lab of its own: what the user's commands do there, they do nowhere else. */
export interface Checkout {
  directory: string
  /** Runs `./taskw <args>`. */
  task(...args: string[]): Promise<Ran>
  /** The same with `-- --json` and more arguments for the script. */
  json(verb: string, ...args: string[]): Promise<Ran>
  /** Starts a command and returns at once; its process group is its own. */
  start(...args: string[]): ChildProcess
  /** Ends the lab whatever state it is in, and the clone. */
  remove(): Promise<void>
}

const git = $({ quiet: true, cwd: root })

/** The working tree as it is, committed or not: a test of what is about to be committed. */
export async function makeCheckout(): Promise<Checkout> {
  const directory = await mkdtemp(join(tmpdir(), 'threads-ops-test-'))
  await git`git clone --quiet --no-hardlinks ${root} ${directory}`
  const changed = (await git`git ls-files --modified --others --deleted --exclude-standard`).stdout.split('\n').filter(Boolean)
  for (const file of changed) {
    await cp(join(root, file), join(directory, file), { recursive: true }).catch(() =>
      rm(join(directory, file), { force: true }),
    )
  }
  const inClone = $({ quiet: true, cwd: directory })
  await inClone`git add --all`
  await inClone`git -c user.name=test -c user.email=test@localhost commit --quiet --allow-empty --message test`
  // Hard links: a second node_modules costs neither time nor room.
  for (const folder of ['node_modules', '.tools']) await inClone`cp -al ${join(root, folder)} ${folder}`.nothrow()

  const start = (...args: string[]) =>
    spawn(join(directory, 'taskw'), args, {
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: 'true' },
    })

  const task = (...args: string[]): Promise<Ran> => outcome(start(...args), args).ended

  return {
    directory,
    task,
    json: (verb, ...args) => task(verb, '--', '--json', ...args),
    start,
    async remove() {
      await task('lab:down')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** What a command that was started prints so far, and what it has done in the end. */
function outcome(child: ChildProcess, args: string[]): { story(): string; ended: Promise<Ran> } {
  const began = performance.now()
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) child[stream]?.on('data', data => (output[stream] += data))
  const ended = new Promise<Ran>(resolve => {
    child.on('close', code => {
      const ran = { ...output, code, ms: Math.round(performance.now() - began) }
      resolve({
        ...ran,
        get document() {
          return parsed(args, ran)
        },
      })
    })
  })
  return { story: () => output.stderr, ended }
}

function parsed(args: string[], { stdout, stderr, code }: { stdout: string; stderr: string; code: number | null }): Document {
  try {
    return JSON.parse(stdout) as Document
  } catch {
    throw new Error(`${args.join(' ')} printed no JSON (exit code ${code}):\n${stdout}\n${stderr}`)
  }
}

/** Runs a command until a phase of it has begun (its id, or how its title begins), then kills it and all that it started, at once. */
export async function killDuring(checkout: Checkout, phase: string, args: string[], after = 0): Promise<void> {
  const since = new Date().toISOString()
  const child = checkout.start(...args)
  const { story, ended } = outcome(child, args)
  await begun(phase, checkout, since, child, story)
  await new Promise(resolve => setTimeout(resolve, after))
  await killTree(child.pid ?? 0)
  await ended
}

/** Runs a command until something outside is so, then kills it and all that it started, at once. */
export async function killOnce(checkout: Checkout, args: string[], what: string, isSo: () => Promise<boolean>): Promise<void> {
  const child = checkout.start(...args)
  const { story, ended } = outcome(child, args)
  await waitFor({
    what,
    within: 120_000,
    every: 50,
    probe: async () => {
      if (child.exitCode !== null) throw external(`it ended before:\n${story()}`, 'see why')
      return (await isSo()) || undefined
    },
  })
  await killTree(child.pid ?? 0)
  await ended
}

/** Runs a command, does something once a phase of it has begun, and waits for the command's end. */
export async function during(
  checkout: Checkout,
  phase: string,
  args: string[],
  action: (child: ChildProcess) => Promise<unknown>,
): Promise<Ran> {
  const since = new Date().toISOString()
  const child = checkout.start(...args)
  const { story, ended } = outcome(child, args)
  await begun(phase, checkout, since, child, story)
  await action(child)
  return ended
}

/** The journals know which phases have begun: not in a terminal a phase says nothing before it ends. */
const begun = (
  phase: string,
  { directory }: Checkout,
  since: string,
  child: ChildProcess,
  story: () => string,
): Promise<true> =>
  waitFor({
    what: `phase "${phase}" to begin`,
    within: 300_000,
    every: 50,
    probe: async () => {
      if (child.exitCode !== null) throw external(`it ended before:\n${story()}`, 'see why')
      const phases = await phasesBegun(join(directory, '.runs'), since)
      return phases.some(({ id, title }) => id === phase || title.startsWith(phase)) || undefined
    },
  })

/** Of all runs there; killed ones had their phases before. @param since ISO 8601, UTC */
async function phasesBegun(runs: string, since: string): Promise<Pick<PhaseRecord, 'id' | 'title'>[]> {
  const names = await readdir(runs).catch((): string[] => [])
  const texts = await Promise.all(names.map(name => readIfExists(join(runs, name, 'journal.json'))))
  return texts
    .filter(text => text !== undefined)
    .map(text => JSON.parse(text) as Journal)
    .flatMap(({ phases, current }) => [...phases, ...(current ? [current] : [])])
    .filter(({ startedAt }) => startedAt >= since)
}

/** Runs a shell script on the checkout's VM, as root. @returns what it printed */
export async function onMachine(checkout: Checkout, script: string): Promise<string> {
  const [machine] = (await checkout.json('lab:status')).document.machines ?? []
  const into = ['--mount', '--pid', '--net', '--uts', '--ipc', '--root', '--wdns=/']
  // The machine's own programs, wherever this host's shell looks for its.
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return (await $({ quiet: true })`nsenter --target ${machine?.pid ?? 0} ${into} env ${path} sh -c ${script}`).stdout
}

/** Interrupts a command as Ctrl-C does, and waits until it has ended. @returns its exit code */
export function interrupted(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => {
    child.once('close', code => resolve(code))
    child.stdout?.resume()
    child.stderr?.resume()
    if (child.pid) process.kill(-child.pid, 'SIGINT')
  })
}

/** Children may have process groups of their own: the whole tree is stopped first, so that none escapes. */
export async function killTree(pid: number): Promise<void> {
  const tree = [pid]
  for (let i = 0; i < tree.length; i++) {
    try {
      process.kill(tree[i] ?? 0, 'SIGSTOP')
    } catch {}
    tree.push(...(await childrenOf(tree[i] ?? 0)))
  }
  for (const each of tree) {
    try {
      process.kill(each, 'SIGKILL')
    } catch {}
  }
}

/** A child is listed with the thread that started it, which in a Go program is any of them. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch((): string[] => [])
  const children = await Promise.all(
    threads.map(thread => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  )
  return children.join(' ').trim().split(/\s+/).filter(Boolean).map(Number)
}

/** Processes, mounts and network namespace of a checkout's lab that are still there. */
export async function leftovers(directory: string): Promise<string[]> {
  const processes: string[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
    if (command.includes(directory) && Number(pid) !== process.pid) processes.push(`process ${pid}: ${command}`)
  }
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').filter(line => line.includes(directory))
  const namespaces = (await $({ quiet: true, nothrow: true })`ip netns list`).stdout
    .split('\n')
    .filter(line => line.includes(namespacePrefix(join(directory, '.lab'))))
  return [...processes, ...mounts, ...namespaces]
}
