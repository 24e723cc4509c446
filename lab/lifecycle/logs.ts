import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { external } from '../../lib/runtime/errors.ts'
import { visible } from '../../lib/runtime/visible.ts'

export interface Tail {
  /** Lines of each file. */
  lines: number
  /** Goes on with what is written, also into a file that takes the place of one of these, until `signal` aborts. */
  follow: boolean
  signal: AbortSignal
}

/**
 * Prints the ends of files.
 * @throws OpsError 5 when `tail` fails
 */
export async function printEnds(paths: readonly string[], { lines, follow, signal }: Tail): Promise<void> {
  // It follows for no longer than this process lives, however that ends.
  const following = follow ? ['--follow=name', '--retry', `--pid=${process.pid}`] : []
  const tail = spawn('tail', ['--lines', String(lines), ...following, '--', ...paths], { stdio: ['ignore', 'pipe', 'inherit'] })
  // A container's output is in them.
  createInterface({ input: tail.stdout }).on('line', line => process.stdout.write(`${visible(line)}\n`))
  const end = () => tail.kill()
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  try {
    const [code, by] = (await once(tail, 'close')) as [number | null, NodeJS.Signals | null]
    // Ended by SIGPIPE it has a reader who wants no more.
    if (code !== 0 && by !== 'SIGPIPE' && !signal.aborted)
      throw external(`tail failed with ${by ?? `exit code ${code}`}`, 'its message is above')
  } finally {
    signal.removeEventListener('abort', end)
  }
}
