import type { ProcessOutput } from 'zx/core'
import { formatDuration } from '../runtime/duration.ts'
import { interrupted, timedOut } from '../runtime/errors.ts'
import { inherited } from '../runtime/inherited.ts'
import { commandFailed, shell } from '../runtime/zx.ts'
import { recordHolder, removeDeadHolders, removeHolder } from './holder.ts'
import { supervised } from './supervised.ts'

export interface CommandOptions {
  program: string
  /** Endpoints, token, CLI configuration: never in argv. */
  variables: () => Promise<Record<string, string>>
  signal: AbortSignal
  /** Milliseconds after which a Terraform that says nothing is given up. */
  silence: number
  /** Parent of the files that take its output, absolute. */
  scratch: string
}

export interface RunOptions {
  /** Over those of every command. */
  env?: Record<string, string>
  input?: string
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

/** The shell's exit code for a program that is not there. */
const PROGRAM_MISSING = 127

/** Whether a Terraform writes its state, so that it must never be killed. */
const writes = ([verb = '']: readonly string[]): boolean => ['apply', 'import'].includes(verb)

/** Whether it takes its state's lock, which it leaves behind when it is killed. */
const takesLock = (args: readonly string[]): boolean =>
  writes(args) || (args[0] === 'plan' && args.some(flag => flag.startsWith('-lock-timeout')))

export function createCommand({ program, variables, signal, silence, scratch }: CommandOptions): Command {
  const words = (what: string, ended: Ended, hint: string) =>
    commandFailed(what, { ...ended, stdout: '' } as unknown as ProcessOutput, hint)

  const stopped = (what: string, ended: Ended) => {
    if (ended.silent)
      return timedOut(
        `${what}: Terraform said nothing for ${formatDuration(silence)}`,
        'is the network up, and Google within reach? then run the same command again to go on',
      )
    if (signal.aborted) return interrupted(`${what}: interrupted`, 'run the same command again to go on')
    return ended.exitCode === PROGRAM_MISSING ? words(what, ended, '') : undefined
  }

  const withInput = async (cwd: string, args: string[], env: Record<string, string>, input: string): Promise<Ended> => {
    let silent = false
    const onSilence = () => {
      silent = true
    }
    const $ = shell({ cwd, env, input, signal, nothrow: true, silence: { within: silence, onSilence } })
    const { exitCode, stdout, stderr } = await $`${program} ${args}`
    return { exitCode, stdout, stderr, silent }
  }

  return {
    async run(folder, args, { env, input, onLine, onStderr } = {}) {
      const environment = { ...(await variables()), ...OURS, ...env }
      if (input !== undefined) return withInput(folder, args, environment, input)
      const locks = takesLock(args)
      let pid = 0
      const onStart = (started: number) => {
        pid = started
        recordHolder(folder, pid)
      }
      const ended = await supervised(program, args, {
        ...{
          cwd: folder,
          env: { ...inherited(process.env), ...environment },
          signal,
          silence,
          scratch,
          killable: !writes(args),
        },
        ...(locks && { onStart }),
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
