import { table } from '../lib/runtime/table.ts'
import { type Checkout, makeCheckout, type Ran } from '../test/lab/support/checkout.ts'
import { bringUp } from '../test/lab/support/kept-lab.ts'
import { makeScratch } from '../test/lab/support/scratch.ts'

/**
 * What it takes to bring a checkout up from nothing, and from the copy that the end-to-end tests keep, alternately in this very run;
 * medians and their ratio. As root, with the programs built: `node bench/lab-copy.ts [times]`
 */
const times = Number(process.argv[2] ?? 3)

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** @returns milliseconds */
async function measure(up: (checkout: Checkout) => Promise<Ran>): Promise<number> {
  const checkout = await makeCheckout()
  try {
    const started = performance.now()
    const { code, stderr } = await up(checkout)
    if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`)
    const took = performance.now() - started
    process.stderr.write(`${seconds(took)}\n`)
    return took
  } finally {
    await checkout.remove()
  }
}

const scratch = await makeScratch({ keepsLabs: true })
// What is measured then fails, and ends the rest.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void scratch.end())
try {
  Object.assign(process.env, scratch.environment)
  const keeping = await measure(bringUp)
  const nothing: number[] = []
  const copies: number[] = []
  for (let i = 0; i < times; i++) {
    nothing.push(await measure(checkout => checkout.json('up')))
    copies.push(await measure(bringUp))
  }
  const rows = [
    ['from nothing', ...nothing.map(seconds), seconds(median(nothing)), ''],
    ['from the copy', ...copies.map(seconds), seconds(median(copies)), `${(median(copies) / median(nothing)).toFixed(2)} ×`],
    ['from nothing, and kept', seconds(keeping)],
  ]
  process.stdout.write(`${table(['UP', ...nothing.map((_, index) => `${index + 1}`), 'MEDIAN', 'RATIO'], rows)}\n`)
} finally {
  await scratch.clear()
}
