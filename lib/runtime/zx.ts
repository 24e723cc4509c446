import { createInterface } from 'node:readline'
import { $, type Options, type ProcessOutput, type ProcessPromise, type Shell } from 'zx/core'
import { external, interrupted, precondition } from './errors.ts'
import { inherited } from './inherited.ts'

export interface ShellOptions {
  cwd?: string
  /** Added to what is inherited. */
  env?: Record<string, string>
  /** For the child's stdin. */
  input?: string
  signal?: AbortSignal
  /** Kills it, with everything that it has begun: for a program that changes nothing. */
  killed?: AbortSignal
  /** The exit code is data: a failure does not throw. */
  nothrow?: boolean
  /** Called with each line of stderr as it comes: the progress of a long command. */
  onStderr?: (line: string) => void
}

/**
 * Where stdin is a socket, as Node's is, bash takes itself for one that a remote login has started, and reads ~/.bashrc, unless another
 * shell is around it: in a terminal one is, in cron or a service none.
 */
const NO_STARTUP_FILES = { SHLVL: '1' }

/**
 * zx, configured in one place. Children get a process group of their own, so the terminal's Ctrl-C does not reach them. An aborted
 * signal sends a single SIGINT and lets them end by themselves: Terraform releases its lock, while a second SIGINT would make it
 * abort. Output is captured, not printed.
 */
export function shell({ cwd, env, input, signal, killed, nothrow = false, onStderr }: ShellOptions = {}): Shell {
  const options: Partial<Options> = {
    verbose: false,
    quiet: true,
    detached: true,
    nothrow,
    env: { ...inherited(process.env), ...env, ...NO_STARTUP_FILES },
    ...(cwd !== undefined && { cwd }),
    ...(input !== undefined && { input }),
  }
  const configured = $(options)
  return ((pieces: TemplateStringsArray, ...args: unknown[]) => {
    const child = configured(pieces, ...(args as string[]))
    if (onStderr) createInterface({ input: child.stderr }).on('line', onStderr)
    if (killed) sendOnAbort(child, killed, 'SIGKILL')
    if (signal) sendOnAbort(child, signal, 'SIGINT')
    return child
  }) as Shell
}

function signalGroup({ pid }: ProcessPromise, name: NodeJS.Signals): void {
  try {
    if (pid) process.kill(-pid, name)
  } catch {
    // It has ended by itself in the meantime.
  }
}

function sendOnAbort(child: ProcessPromise, signal: AbortSignal, name: NodeJS.Signals): void {
  const send = () => signalGroup(child, name)
  if (signal.aborted) send()
  signal.addEventListener('abort', send, { once: true })
  const forget = () => signal.removeEventListener('abort', send)
  child.then(forget, forget)
}

/** What a failed command said, as an OpsError 5 (or 130 when we interrupted it, 4 when there is no such program). */
export function commandFailed(what: string, output: ProcessOutput, hint: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return interrupted(`${what}: interrupted`, 'run the same command again to go on', output)
  if (output.exitCode === 127)
    return precondition(`${what}: the program is not installed`, '`./taskw doctor` says what is missing', output)
  const said = (output.stderr || output.stdout).trim().split('\n').slice(-12).join('\n')
  return external(`${what} failed with exit code ${output.exitCode}${said ? `:\n${said}` : ''}`, hint, output)
}
