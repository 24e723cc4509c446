import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { messageOf } from '../lib/runtime/errors.ts'
import { type Audited, signaturesIn, vulnerabilitiesIn } from './unit/support/audit.ts'

/**
 * Asks the npm registry whether it has signed what is installed, and what is known against what is run. What it does not answer is said
 * to be unchecked, and is no failure: a machine may have no way to it.
 */
const DEADLINE_MS = 60_000

async function audit(...args: string[]): Promise<Audited> {
  const child = spawn('npm', ['audit', ...args, '--json', '--fetch-retries=1'], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
  })
  const ended = once(child, 'exit')
  ended.catch(() => undefined)
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  try {
    const [, signal] = await ended
    const [stdout, stderr] = await output
    return { stdout, stderr, isLate: signal !== null }
  } catch (error) {
    return { stdout: '', stderr: messageOf(error) }
  }
}

const [signatures, vulnerabilities] = await Promise.all([audit('signatures'), audit('--omit=dev')])
for (const { verdict, says } of [signaturesIn(signatures), vulnerabilitiesIn(vulnerabilities)]) {
  // On the page of a run in CI as well: it is green all the same.
  const mark = process.env.GITHUB_ACTIONS && verdict !== 'right' ? `::${verdict === 'wrong' ? 'error' : 'warning'}::` : ''
  process.stdout.write(`${mark}${says}\n`)
  if (verdict === 'wrong') process.exitCode = 1
}
