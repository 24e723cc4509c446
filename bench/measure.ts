import { spawn } from 'node:child_process'
import { table } from '../lib/runtime/table.ts'

/** What is measured, and what it is measured against. Both take milliseconds of wall time. */
export interface Pair {
  what: string
  baseline: string
  measured: number[]
  base: number[]
  /** Most that the ratio may be. */
  goal: number
}

/** Runs a program to its end. @returns its stdout @throws where it ends with anything but 0 */
export function run(
  [program = '', ...args]: readonly string[],
  { cwd, env = process.env }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, ...(cwd !== undefined && { cwd }) })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', data => (said[stream] += data))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(said.stdout)
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}\n${said.stdout}\n${said.stderr}`))
    })
  })
}

/** @returns milliseconds */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const seconds = (values: readonly number[]): string => `${(median(values) / 1000).toFixed(2)} s`
const ratioOf = ({ measured, base }: Pair): number => median(measured) / median(base)

/** Prints the medians and their ratios; the exit code is 1 where one is beyond its goal. */
export function printPairs(pairs: readonly Pair[]): void {
  const rows = pairs.map(pair => {
    const { what, baseline, measured, base, goal } = pair
    return [what, seconds(measured), baseline, seconds(base), `${ratioOf(pair).toFixed(2)} ×`, `≤ ${goal}`]
  })
  process.stdout.write(`${table(['MEDIAN OF', 'TAKES', 'AGAINST', 'TAKES', 'RATIO', 'GOAL'], rows)}\n`)
  if (pairs.some(pair => !(ratioOf(pair) <= pair.goal))) process.exitCode = 1
}
