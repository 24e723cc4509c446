import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { external, interrupted } from '../../lib/runtime/errors.ts'
import { readIfExists, writeAtomically } from '../../lib/runtime/files.ts'
import { takeLock } from '../../lib/runtime/lock-file.ts'
import { makePrivate } from '../state/private.ts'
import { programs as everything, groupDirectory, type Program, pinsDirectory, toolsDirectory } from './catalog.ts'
import { provideGo, runGo } from './go.ts'
import { findOnPath } from './path.ts'
import { programVersion } from './version.ts'

/** The progress of a unit: programs that one call of Go builds together. */
export interface Progress {
  programs: string[]
  state: 'fetching Go' | 'waiting for another build' | 'building' | 'built'
  /** Seconds since the build began, in whichever process. */
  elapsed: number
  /** Expected seconds: those of the last build on this machine, or else those in the catalogue. */
  estimate: number
}

/** How a program in the cache was built; stored beside it in manifest.json, by program. */
export interface Built {
  version: string
  /** Duration in seconds of the build, which may include other programs. */
  seconds: number
  sha256: string
  /** ISO 8601, UTC. */
  builtAt: string
}

interface Options {
  /** In the order in which to build them; by default the whole catalogue. */
  programs?: readonly Program[]
  /** Called at each change, and once a second during a build. */
  report?: (progress: Progress) => void
  signal?: AbortSignal
  /** Folder of the groups with their go.mod and go.sum. */
  pins?: string
}

/**
 * Builds the programs that are not in the cache. Two builds may run at once, even in different checkouts, and a build may be
 * killed: a program appears in the cache complete or not at all.
 * @returns names of the programs that this call built
 * @throws OpsError 4 without Go, 5 when a build fails, 130 when interrupted
 */
export async function ensureTools({
  programs = everything,
  report,
  signal,
  pins = pinsDirectory,
}: Options = {}): Promise<string[]> {
  await makePrivate(toolsDirectory())
  // Root runs what is in it, whoever could write there before.
  await chmod(toolsDirectory(), 0o700)
  const built: string[] = []
  for (const unit of unitsOf(programs.filter(program => !isAvailable(program, pins)))) {
    built.push(...(await buildUnit(unit, { report: report ?? (() => undefined), pins, ...(signal && { signal }) })))
  }
  return built
}

/** Whether the program can be run now: from the cache or, where that is allowed, the machine's own. */
export const isAvailable = (program: Program, pins = pinsDirectory): boolean =>
  isBuilt(program, pins) || (program.prefersPath === true && findOnPath(program.name) !== undefined)

export const isBuilt = (program: Program, pins = pinsDirectory): boolean =>
  existsSync(join(groupDirectory(program.group, pins), program.name))

/** Adjacent programs with the same group and linker flags share one call of Go, which loads their packages once. */
export function unitsOf(programs: readonly Program[]): Program[][] {
  const units: Program[][] = []
  for (const program of programs) {
    const last = units.at(-1)
    const [first] = last ?? []
    if (last && first?.group === program.group && first.ldflags === program.ldflags) last.push(program)
    else units.push([program])
  }
  return units
}

async function buildUnit(
  unit: Program[],
  options: Required<Pick<Options, 'report' | 'pins'>> & Pick<Options, 'signal'>,
): Promise<string[]> {
  const { report, pins, signal } = options
  const { group = '' } = unit[0] ?? {}
  const target = groupDirectory(group, pins)
  const names = unit.map(({ name }) => name)
  const estimate = await estimateOf(unit)
  const announce = (state: Progress['state'], since: number) =>
    report({ programs: names, state, elapsed: Math.round((Date.now() - since) / 1000), estimate })

  await using _lock = await takeLock(`${target}.lock`, {
    onWait: holder => announce('waiting for another build', holder.since),
    ...(signal && { signal }),
  })
  // The previous holder of the lock may have built them.
  const missing = unit.filter(program => !isBuilt(program, pins))
  if (missing.length === 0) return []

  const go = await provideGo(() => announce('fetching Go', Date.now()))
  const started = Date.now()
  announce('building', started)
  const ticker = setInterval(() => announce('building', started), 1000)
  const sources = join(pins, group)
  try {
    await compile(go, missing, { target, sources, ...(signal && { signal }) })
    await record(missing, { target, sources, seconds: Math.round((Date.now() - started) / 1000) })
    for (const { name } of missing) await rename(join(partialOf(target), name), join(target, name))
  } finally {
    clearInterval(ticker)
    await rm(partialOf(target), { recursive: true, force: true })
  }
  announce('built', started)
  return missing.map(({ name }) => name)
}

/** Used by one build at a time, since the group is locked; the next build removes what a killed one has left. */
const partialOf = (target: string): string => `${target}.partial`

async function compile(
  go: string,
  unit: Program[],
  { target, sources, signal }: { target: string; sources: string; signal?: AbortSignal },
): Promise<void> {
  const partial = partialOf(target)
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  const logFile = join(toolsDirectory(), 'logs', `${basename(target)}.log`)
  await mkdir(dirname(logFile), { recursive: true })
  await using log = await open(logFile, 'a')
  const args = ['build', '-v', '-ldflags', ['-s', '-w', unit[0]?.ldflags].filter(Boolean).join(' '), '-o', `${partial}/`]
  const packages = unit.map(program => program.package)
  await log.write(`${new Date().toISOString()} go ${[...args, ...packages].join(' ')}\n`)
  const exitCode = await runGo(go, [...args, ...packages], { cwd: sources, log: log.fd, ...(signal && { signal }) })
  if (signal?.aborted) throw interrupted('interrupted while building', 'run it again: what was compiled is kept')
  if (exitCode !== 0) {
    const said = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-8).join('\n')
    throw external(`building ${unit.map(({ name }) => name).join(', ')} failed:\n${said}`, `the whole log is ${logFile}`)
  }
  for (const program of unit) await rename(join(partial, executableName(program.package)), join(partial, program.name))
}

/** Go's rule: the last element of the import path that is not a major version. */
const executableName = (path: string): string => {
  const elements = path.split('/')
  const last = elements.at(-1) ?? ''
  return /^v\d+$/.test(last) ? (elements.at(-2) ?? last) : last
}

async function record(unit: Program[], { target, sources, seconds }: { target: string; sources: string; seconds: number }) {
  await mkdir(target, { recursive: true })
  const manifest = await readManifest(target)
  for (const program of unit) {
    manifest[program.name] = {
      version: await programVersion(program, dirname(sources)),
      seconds,
      sha256: await sha256(join(partialOf(target), program.name)),
      builtAt: new Date().toISOString(),
    }
  }
  await writeAtomically(join(target, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`, 0o644)
  await writeAtomically(timingsFile(), JSON.stringify({ ...(await readTimings()), [keyOf(unit)]: seconds }), 0o644)
}

/** How the programs in a group's folder of the cache were built. */
export const readManifest = async (target: string): Promise<Record<string, Built>> =>
  JSON.parse((await readIfExists(join(target, 'manifest.json'))) ?? '{}')

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

// The timings outlive the pins: a new version takes about as long as the previous one.
const timingsFile = (): string => join(toolsDirectory(), 'timings.json')
const keyOf = (unit: Program[]): string => unit.map(({ name }) => name).join('+')
const readTimings = async (): Promise<Record<string, number>> => JSON.parse((await readIfExists(timingsFile())) ?? '{}')

const estimateOf = async (unit: Program[]): Promise<number> =>
  (await readTimings())[keyOf(unit)] ?? unit.reduce((sum, { seconds }) => sum + seconds, 0)
