import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { external, messageOf, precondition, systemCode } from './errors.ts'
import { inherited } from './inherited.ts'

export interface ForegroundOptions {
  /** Added to what is inherited. */
  env?: Record<string, string>
  /** Its stdout goes to stderr: stdout is for a document. */
  toStderr?: boolean
  /** Asks it to end. */
  signal: AbortSignal
  /** What to do where there is no such program. */
  hint: string
}

/** The terminal's Ctrl-C reaches it by itself, as it is in the same process group: so long it may take to end by that. In milliseconds. */
const ENDS_BY_ITSELF_MS = 1000

/**
 * Runs a program in this one's place: with its terminal, stdin and stdout.
 * @returns its exit code; 128 + its number for a signal, as in a shell
 * @throws OpsError 4 where there is no such program
 */
export async function inForeground(
  program: string,
  args: readonly string[],
  { env, toStderr = false, signal, hint }: ForegroundOptions,
): Promise<number> {
  const child = spawn(program, args, {
    stdio: ['inherit', toStderr ? process.stderr : 'inherit', 'inherit'],
    env: { ...inherited(process.env), ...env },
  })
  let timer: NodeJS.Timeout | undefined
  const end = () => {
    timer = setTimeout(() => child.kill('SIGTERM'), ENDS_BY_ITSELF_MS)
  }
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', error => reject(notStarted(program, error, hint)))
      child.once('exit', (code, name) => resolve(code ?? 128 + constants.signals[name ?? 'SIGKILL']))
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

const notStarted = (program: string, error: Error, hint: string): Error =>
  systemCode(error) === 'ENOENT'
    ? precondition(`${program}: the program is not installed`, hint, error)
    : external(`${program} can't be started: ${messageOf(error)}`, hint, error)
