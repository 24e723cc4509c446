import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openContext } from '../lib/operation/open.ts'
import { root } from '../lib/runtime/files.ts'
import { createLog } from '../lib/runtime/log.ts'
import { noopCommands } from './k0sctl.ts'
import { type Pair, printPairs, run, timed } from './measure.ts'

/**
 * What it costs to find that k0s is as it should be: `bootstrap` against the commands that k0sctl takes for it, one after another over
 * one SSH connection through the same tunnel to the same VM. Of k0sctl the connection and what it waits for on the host are counted, not
 * its own start. Alternately in this very run; what counts is the ratio. As root, with this checkout's lab up:
 * `./taskw up && ./taskw node bench/bootstrap.ts [rounds]`; exits 1 beyond the goal.
 */
const rounds = Number(process.argv[2] ?? 5)

const bootstrap = async (): Promise<void> => {
  const { changed } = JSON.parse(await run([process.execPath, join(root, 'scripts/bootstrap.ts'), '--json'])) as {
    changed: number
  }
  if (changed !== 0) throw new Error(`bootstrap has changed ${changed}`)
}

/** The connection is opened anew each time, as k0sctl does. */
async function k0sctl(): Promise<void> {
  const signal = new AbortController().signal
  const log = createLog({ quiet: true })
  const { context, close } = await openContext('bench', {
    options: { env: 'lab' },
    args: [],
    log,
    signal,
    stop: () => undefined,
  })
  try {
    const host = await context.host()
    // What some of them answer is what others look for; how they end is of no matter here.
    for (const command of noopCommands) await host.run({ script: command, args: [] }, { nothrow: true })
  } finally {
    await close()
  }
}

await readFile(join(root, '.lab/endpoints.json'))
const pair: Pair = {
  what: 'bootstrap',
  baseline: `k0sctl's ${noopCommands.length} commands`,
  measured: [],
  base: [],
  goal: 0.5,
}
for (let round = 0; round <= rounds; round++) {
  const took = [await timed(bootstrap), await timed(k0sctl)] as const
  process.stderr.write(`${took.map(ms => (ms / 1000).toFixed(2)).join('  ')} s\n`)
  // The first round fills caches.
  if (round === 0) continue
  pair.measured.push(took[0])
  pair.base.push(took[1])
}
printPairs([pair])
