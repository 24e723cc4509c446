import type { ProcessOutput } from 'zx/core'
import { formatDuration } from '../runtime/duration.ts'
import { interrupted, timedOut } from '../runtime/errors.ts'
import { inherited } from '../runtime/inherited.ts'
import { commandFailed } from '../runtime/zx.ts'
import { recordHolder, removeDeadHolders, removeHolder } from './holder.ts'
import { supervised } from './supervised.ts'

export interface CommandOptions {
  program: string
  /** Endpoints, token, CLI configuration: never in argv. */
  variables: () => Promise<Record<string, string>>
  signal: AbortSignal
  /** Milliseconds after which a Terraform that says nothing is given up. */
  silence: number
  /**
   * Asked while a Terraform that only reads says nothing: its provider may wait for a service that never answers, and try it again for
   * the better part of an hour. @throws OpsError that says which
   */
  answering?: (folder: string) => Promise<void>
  /** Parent of the files that take its output, absolute. */
  scratch: string
}

export interface RunOptions {
  /** Over those of every command. */
  env?: Record<string, string>
  input?: string
  /** Called with its pid before it begins. */
  onStart?: (pid: number) => void
  onLine?: (line: string) => void
  onStderr?: (line: string) => void
}

/** A Terraform that has ended. Its stdout may hold secrets: it is in no error. */
export interface Ended {
  exitCode: number | null
  stdout: string
  stderr: string
  /** It was ended for its silence. */
  silent: boolean
  /** Why it was ended: a service that it needs does not answer. */
  unanswered?: unknown
}

/** Terraform, one command at a time. */
export interface Command {
  run(folder: string, args: string[], options?: RunOptions): Promise<Ended>
  /** Why a command that failed did: its own words, unless it was interrupted or given up. */
  failure(what: string, ended: Ended, hint: string): Error
  /** Why it could not say anything of its own: it was interrupted, given up, or is not there. Undefined when it failed by itself. */
  stopped(what: string, ended: Ended): Error | undefined
}

/** What makes a run depend on nothing but the tree and the environment's name: a folder is an environment, not a workspace. */
const OURS = { TF_IN_AUTOMATION: '1', TF_INPUT: '0', CHECKPOINT_DISABLE: '1', TF_WORKSPACE: 'default', TF_DATA_DIR: '' }

/**
 * Terraform and its providers live for seconds: most of the garbage that Go would look for again and again is gone with them. Up to this
 * much memory each they look for a quarter of it only; what the shell says counts more. https://go.dev/doc/gc-guide
 */
const SHORT_LIVED = { GOGC: '400', GOMEMLIMIT: '1GiB' }

/** The shell's exit code for a program that is not there. */
const PROGRAM_MISSING = 127

/** Whether a Terraform writes its state, so that it must never be killed. */
const writes = ([verb = '']: readonly string[]): boolean => ['apply', 'import'].includes(verb)

/** Whether it takes its state's lock, which it leaves behind when it is killed. */
const takesLock = (args: readonly string[]): boolean =>
  writes(args) || (args[0] === 'plan' && args.some(flag => flag.startsWith('-lock-timeout')))

/** A plan is quiet for as long as it reads; then the services are asked. In milliseconds. */
const QUIET_MS = 15_000

/** What an interrupted Terraform may still take where it may leave something half done, and where it only reads. In milliseconds. */
const GRACE_MS = { leaves: 10_000, reads: 1500 }

/** When it may be killed: with a state or a module that it may be writing, not at all or late; else soon. */
function killAfter(args: readonly string[]): number | undefined {
  if (writes(args)) return undefined
  return takesLock(args) || args[0] === 'init' ? GRACE_MS.leaves : GRACE_MS.reads
}

export function createCommand({ program, variables, signal, silence, answering, scratch }: CommandOptions): Command {
  const words = (what: string, ended: Ended, hint: string) =>
    commandFailed(what, { ...ended, stdout: '' } as unknown as ProcessOutput, hint)

  const stopped = (what: string, ended: Ended) => {
    if (ended.unanswered instanceof Error) return ended.unanswered
    if (ended.silent)
      return timedOut(
        `${what}: Terraform said nothing for ${formatDuration(silence)}`,
        'is the network up, and Google within reach? then run the same command again to go on',
      )
    if (signal.aborted) return interrupted(`${what}: interrupted`, 'run the same command again to go on')
    return ended.exitCode === PROGRAM_MISSING ? words(what, ended, '') : undefined
  }

  return {
    async run(folder, args, { env, input, onStart, onLine, onStderr } = {}) {
      const environment = { ...(await variables()), ...OURS, ...env }
      const locks = takesLock(args)
      let pid = 0
      const started = (its: number) => {
        pid = its
        if (locks) recordHolder(folder, pid)
        onStart?.(pid)
      }
      const kill = killAfter(args)
      const ended = await supervised(program, args, {
        ...{
          cwd: folder,
          env: { ...SHORT_LIVED, ...inherited(process.env), ...environment },
          signal,
          silence,
          scratch,
        },
        ...(kill !== undefined && { killAfter: kill }),
        ...(answering && !writes(args) && { whenQuiet: { after: QUIET_MS, ask: () => answering(folder) } }),
        ...(input !== undefined && { input }),
        onStart: started,
        ...(onLine && { onLine }),
        ...(onStderr && { onStderr }),
      })
      // Of one that was killed, the record says that the lock which it left is ours.
      if (locks && ended.exitCode !== null) removeHolder(folder, pid)
      if (locks && ended.exitCode === 0) removeDeadHolders(folder)
      return ended
    },

    stopped,
    failure: (what, ended, hint) => stopped(what, ended) ?? words(what, ended, hint),
  }
}
