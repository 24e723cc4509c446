import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../lib/runtime/files.ts'
import { table } from '../lib/runtime/table.ts'
import { median } from './measure.ts'

/**
 * What starting costs: taskw against the Task that it runs, the --help of every script against an empty Node program. Each pair
 * alternates in one run, so that a noisy machine disturbs both; what counts is the ratio. With Node's compile cache, as taskw has it:
 * `./taskw node bench/startup.ts [rounds]`
 */
const rounds = Number(process.argv[2] ?? 11)

const scripts = (): string[] => globSync('**/*.ts', { cwd: join(root, 'scripts') }).sort()

const pairs = [
  {
    what: 'taskw --version',
    measured: [join(root, 'taskw'), '--version'],
    baseline: [join(root, '.tools/bin/task'), '--version'],
  },
  ...scripts().map(script => ({
    what: `${script} --help`,
    measured: [process.execPath, join(root, 'scripts', script), '--help'],
    baseline: [process.execPath, '--eval', '0'],
  })),
]

const milliseconds = ([program, ...args]: readonly string[]): number => {
  const started = performance.now()
  const { status } = spawnSync(program ?? '', args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`)
  return performance.now() - started
}

const rows = pairs.map(({ what, measured, baseline }) => {
  const samples = Array.from({ length: rounds }, () => [milliseconds(measured), milliseconds(baseline)] as const)
  const [own, base] = [median(samples.map(([first]) => first)), median(samples.map(([, second]) => second))]
  return [what, own.toFixed(0), base.toFixed(0), `${(own - base).toFixed(0)}`, `${(own / base).toFixed(2)} ×`]
})
process.stdout.write(`${table(['MEDIAN OF', 'MS', 'BASELINE MS', 'ADDS MS', 'RATIO'], rows)}\n`)
