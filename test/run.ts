import { spawn } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureTools } from '../lab/tools/build.ts'
import { findOnPath } from '../lab/tools/path.ts'
import { describe } from '../lab/tools/progress.ts'
import { messageOf } from '../lib/runtime/errors.ts'
import { makeScratch, type Scratch } from './lab/support/scratch.ts'

/**
 * Runs uvu's test files, each in a process of its own: `node test/run.ts [--grep WORD] [folder or file …]`. uvu exits 0 for a file
 * that forgot `.run()` and for a pattern that matches nothing; here both fail. Two files run at a time, the lab's last: a lab waits more
 * than it computes. What a lab needs is built meanwhile, which on a new machine takes longer than any file may.
 *
 * What the files make in the folder for temporary files is in one of the run's own, which goes with it, however it ends; processes and mounts
 * that are found there then fail the run.
 *
 * A file whose programs cannot be had everywhere names them in a line `// needs: gcloud gsutil`; where one is missing the file is
 * skipped, and said to be.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } })
const root = join(import.meta.dirname, '..')

/** What no file takes, however slow the machine: one that hangs must not take all the others along. */
const LONGEST_MS = 30 * 60_000
const AT_A_TIME = 2
/** What a lab and the programs that work on it take at most, with the memory that the tests give it. In bytes. */
const LAB_TAKES = 3 * 2 ** 30
const LABS_AT_A_TIME = freemem() > 4 * LAB_TAKES ? 3 : AT_A_TIME
/** What a file that has ended may still have said. */
const LAST_WORDS_MS = 1000

interface Result {
  file: string
  passed: number
  failed: number
  ms: number
}

/** The programs that a file needs and this machine has not. */
async function missingPrograms(file: string): Promise<string[]> {
  const names = /^\/\/ needs: (.+)$/m.exec(await readFile(file, 'utf8'))?.[1]?.split(' ') ?? []
  return names.filter(name => findOnPath(name) === undefined)
}

async function find(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path]
  const entries = await readdir(path, { recursive: true })
  return entries
    .filter(name => name.endsWith('.test.ts'))
    .sort()
    .map(name => join(path, name))
}

let isInterrupted = false

function runFile(file: string, { environment }: Scratch): Promise<Result> {
  const started = performance.now()
  const name = relative(root, file)
  return new Promise(resolve => {
    const child = spawn(process.execPath, [file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_MS,
      env: { ...process.env, ...environment, FORCE_COLOR: '0' },
    })
    let output = ''
    const keep = (data: Buffer) => {
      output += data.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    // Whoever outlives it may hold its pipes open.
    child.on('exit', () =>
      setTimeout(() => [child.stdout, child.stderr].map(stream => stream.destroy()), LAST_WORDS_MS).unref(),
    )
    child.on('close', code => {
      const count = (word: string) => Number(new RegExp(`^\\s+${word}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? 0)
      const total = count('Total')
      const passed = count('Passed')
      const skipped = count('Skipped')
      const hung = child.killed && !isInterrupted ? `it was ended after ${LONGEST_MS / 60_000} min` : ''
      const missing = hung || (total === 0 ? 'no test was run: is `.run()` missing?' : '')
      const failed = Math.max(total - passed - skipped, code === 0 && !missing ? 0 : 1)
      const ms = Math.round(performance.now() - started)
      process.stdout.write(`${failed ? '✘' : '✔'} ${name}  ${passed} passed${failed ? `, ${failed} failed` : ''}  ${ms} ms\n`)
      if (failed) process.stdout.write(`${output.trimEnd()}\n${missing}\n`)
      resolve({ file: name, passed, failed, ms })
    })
  })
}

const isLab = (file: string) => relative(root, file).startsWith('test/lab/')

/** Where it fails, every lab that needs it says so. */
const buildTools = (signal: AbortSignal): Promise<unknown> =>
  ensureTools({ report: describe(line => process.stderr.write(`${line}\n`)), signal }).catch(error =>
    process.stderr.write(`the lab's programs: ${messageOf(error)}\n`),
  )

async function runAll(files: string[], atATime: number, scratch: Scratch): Promise<Result[]> {
  const waiting = [...files]
  const results: Result[] = []
  const worker = async () => {
    for (let file = waiting.shift(); file && !isInterrupted; file = waiting.shift()) {
      results.push(await runFile(file, scratch))
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return results
}

const places = positionals.length > 0 ? positionals : ['test']
const found = (await Promise.all(places.map(place => find(join(root, place))))).flat()
const wanted = found.filter(file => values.grep === undefined || relative(root, file).includes(values.grep))
const files: string[] = []
for (const file of wanted) {
  const missing = await missingPrograms(file)
  if (missing.length > 0) process.stdout.write(`○ ${relative(root, file)}  skipped: no ${missing.join(', ')} on PATH\n`)
  else files.push(file)
}
if (wanted.length === 0) {
  process.stderr.write(`no test file matches: ${places.join(' ')}${values.grep ? ` --grep ${values.grep}` : ''}\n`)
  process.exitCode = 2
} else {
  const [labs, others] = [files.filter(isLab), files.filter(file => !isLab(file))]
  // For one file alone it would be kept for nobody.
  const scratch = await makeScratch({ keepsLabs: labs.length > 1 })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(scratch, stop))
  const built = labs.length > 0 ? buildTools(stop.signal) : Promise.resolve()
  const results = await runAll(others, AT_A_TIME, scratch)
  await built
  results.push(...(await runAll(labs, LABS_AT_A_TIME, scratch)))
  const left = await scratch.clear()
  for (const line of left) process.stdout.write(`left behind: ${line}\n`)
  if (files.length < wanted.length) process.stdout.write(`skipped files: ${wanted.length - files.length}\n`)
  const sum = (pick: (result: Result) => number) => results.reduce((total, result) => total + pick(result), 0)
  process.stdout.write(`${sum(result => result.passed)} passed, ${sum(result => result.failed)} failed\n`)
  const isGood = left.length === 0 && results.every(({ failed }) => failed === 0)
  process.exitCode = isInterrupted ? 130 : isGood ? 0 : 1
}

/** Ends the files that run, and all that they started; what they leave is cleared as after any other run. */
function interrupt(scratch: Scratch, stop: AbortController): void {
  if (!isInterrupted) process.stderr.write('interrupted: ending what was started\n')
  isInterrupted = true
  stop.abort()
  void scratch.end()
}
