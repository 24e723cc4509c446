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
  /** The exit code is data: a failure does not throw. */
  nothrow?: boolean
  /** Called with each line of stderr as it comes: the progress of a long command. */
  onStderr?: (line: string) => void
  /** A child that prints nothing for this many milliseconds is interrupted, and killed if that does not end it. */
  silence?: { within: number; onSilence: () => void }
}

/** How long a silent child may take to end once it is interrupted, in milliseconds. */
const LAST_GRACE_MS = 10_000

/**
 * zx, configured in one place. Children get a process group of their own, so the terminal's Ctrl-C does not reach them. An aborted
 * signal sends a single SIGINT and lets them end by themselves: Terraform releases its lock, while a second SIGINT would make it
 * abort. Output is captured, not printed.
 */
export function shell({ cwd, env, input, signal, nothrow = false, onStderr, silence }: ShellOptions = {}): Shell {
  const options: Partial<Options> = {
    verbose: false,
    quiet: true,
    detached: true,
    nothrow,
    env: { ...inherited(process.env), ...env },
    ...(cwd !== undefined && { cwd }),
    ...(input !== undefined && { input }),
  }
  const configured = $(options)
  return ((pieces: TemplateStringsArray, ...args: unknown[]) => {
    const child = configured(pieces, ...(args as string[]))
    if (onStderr) createInterface({ input: child.stderr }).on('line', onStderr)
    if (silence) endWhenSilent(child, silence)
    return signal ? interruptible(child, signal) : child
  }) as Shell
}

function signalGroup({ pid }: ProcessPromise, name: NodeJS.Signals): void {
  try {
    if (pid) process.kill(-pid, name)
  } catch {
    // It has ended by itself in the meantime.
  }
}

function endWhenSilent(child: ProcessPromise, { within, onSilence }: NonNullable<ShellOptions['silence']>): void {
  let end: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    onSilence()
    signalGroup(child, 'SIGINT')
    end = setTimeout(() => signalGroup(child, 'SIGKILL'), LAST_GRACE_MS)
  }, within)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', () => timer.refresh())
  const forget = () => {
    clearTimeout(timer)
    clearTimeout(end)
  }
  child.then(forget, forget)
}

function interruptible(child: ProcessPromise, signal: AbortSignal): ProcessPromise {
  const interrupt = () => signalGroup(child, 'SIGINT')
  if (signal.aborted) interrupt()
  signal.addEventListener('abort', interrupt, { once: true })
  const forget = () => signal.removeEventListener('abort', interrupt)
  child.then(forget, forget)
  return child
}

/** What a failed command said, as an OpsError 5 (or 130 when we interrupted it, 4 when there is no such program). */
export function commandFailed(what: string, output: ProcessOutput, hint: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return interrupted(`${what}: interrupted`, 'run the same command again to go on', output)
  if (output.exitCode === 127)
    return precondition(`${what}: the program is not installed`, '`./taskw doctor` says what is missing', output)
  const said = (output.stderr || output.stdout).trim().split('\n').slice(-12).join('\n')
  return external(`${what} failed with exit code ${output.exitCode}${said ? `:\n${said}` : ''}`, hint, output)
}
