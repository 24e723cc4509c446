import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { asOpsError, type ExitCode, exitCodes, interrupted, OpsError, REPORT_IT, stoppedFor, systemCode } from './errors.ts'
import { root } from './files.ts'
import { inheritOnly } from './inherited.ts'
import { documentText, type Json } from './json.ts'
import { createLog, type Log } from './log.ts'
import { redact } from './redact.ts'
import { visible, visibleInColour } from './visible.ts'

/** What every script may rely on. */
export interface Run<O = Record<string, never>> {
  options: O & CommonOptions
  /** Positional arguments. */
  args: string[]
  log: Log
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, when nobody reads what it says any more, by `stop`, and once all is done. */
  signal: AbortSignal
  /** Ends the run with this error once its current step has ended. */
  stop(reason: OpsError): void
}

export interface CommonOptions {
  json?: boolean
  debug?: boolean
  quiet?: boolean
}

export interface Outcome {
  exitCode?: ExitCode
  /** The exit code of a program that was run in the script's place: the script ends with it. */
  passedOn?: number
  /** Members of the `--json` document besides schema and exit code. */
  document: { [key: string]: Json | undefined }
  /** The result for people, on stdout. */
  text?: string
}

export interface ScriptDefinition<O> {
  /** The task's name, such as `up` or `layer:plan`, whose file is scripts/layer/plan.ts. */
  name: string
  summary: string
  /** Adds arguments and options. */
  define?(command: Command): void
  run(run: Run<O>): Promise<Outcome>
}

/** Defines a script. It runs when the file is run directly, not when it is imported. */
export function script<O>(definition: ScriptDefinition<O>): ScriptDefinition<O> {
  if (isMain(definition.name)) void runScript(definition, process.argv.slice(2))
  return definition
}

const isMain = (name: string): boolean => {
  const invoked = process.argv[1]
  return invoked !== undefined && realpathSync(invoked) === join(root, 'scripts', `${name.replaceAll(':', '/')}.ts`)
}

/** What else than Ctrl-C asks a run to end. A terminal that is closed sends SIGHUP. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How soon after one signal another may come that means the same. In milliseconds. */
const TOLD_AGAIN_MS = 1000

/** Writing fails so where the reader (`| head`) or the terminal is gone. */
const READER_IS_GONE = ['EPIPE', 'EIO']

/**
 * Runs a script to its end, whatever ends it: the exit code says how, and what the script itself does at its end (`finally`) has been done.
 */
export async function runScript<O>(definition: ScriptDefinition<O>, argv: string[]): Promise<void> {
  inheritOnly()
  const stop = new AbortController()
  let log = createLog()
  let json = argv.includes('--json')
  const interrupt = () => {
    if (stop.signal.aborted) return
    stop.abort()
    log.warn('interrupted: letting the current step end cleanly')
  }
  const end = (reason: OpsError) => {
    if (stop.signal.aborted) return
    stop.abort(reason)
    log.warn(`${reason.message}: letting the current step end cleanly`)
  }
  // It was thrown where nobody waits for it, such as in a timer: what the run holds is given back all the same.
  const onUncaught = (thrown: unknown) => end(asOpsError(thrown))
  const onBeforeExit = () => {
    const never = new OpsError(exitCodes.bug, 'it waits for something that will never come', REPORT_IT)
    process.exitCode = reportFailure(definition.name, stoppedFor(stop.signal) ?? never, json, log, argv)
  }
  for (const signal of SIGNALS) process.on(signal, interrupt)
  process.on('uncaughtException', onUncaught)
  process.once('beforeExit', onBeforeExit)
  watchOutput(log, interrupt)

  try {
    const { options, args } = parsedArguments(definition, argv)
    json = options.json === true
    log = createLog({ debug: options.debug === true, quiet: options.quiet === true, waits: true })
    const outcome = await definition.run({ options, args, log, signal: stop.signal, stop: end })
    const stopped = stoppedFor(stop.signal)
    if (stopped) throw new DetailedError(stopped, outcome.document)
    const exitCode = outcome.passedOn ?? outcome.exitCode ?? exitCodes.ok
    if (json) printDocument(definition.name, exitCode, outcome.document)
    else if (outcome.text) process.stdout.write(`${shown(redact(outcome.text.trimEnd()))}\n`)
    process.exitCode = exitCode
  } catch (thrown) {
    process.exitCode = reportFailure(definition.name, endOf(thrown, stop.signal), json, log, argv)
  } finally {
    const unhandle = () => {
      for (const signal of SIGNALS) process.off(signal, interrupt)
    }
    // Who was told to end may just be told again, by the terminal and by taskw: that does not change how it ends.
    if (stop.signal.aborted) setTimeout(unhandle, TOLD_AGAIN_MS).unref()
    else unhandle()
    process.off('uncaughtException', onUncaught)
    process.off('beforeExit', onBeforeExit)
    // What the script has given up, such as a question that a service does not answer, must not keep the process.
    stop.abort()
  }
}

/** What a run failed with: once it is stopped, whatever fails does so for that. */
function endOf(thrown: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || thrown instanceof CommanderError) return thrown
  const error = asOpsError(thrown)
  const isInterruption = error.code === exitCodes.interrupted
  const end =
    stoppedFor(signal) ?? (isInterruption ? error : interrupted('interrupted', 'run the same command again to go on', thrown))
  return thrown instanceof DetailedError ? new DetailedError(end, thrown.document) : end
}

/**
 * Whoever read what this run says may have gone: then it is interrupted, as any program is whose pipe was closed. A result that was
 * written to nobody is no error; one that could not be stored, as on a full disk, is.
 */
function watchOutput(log: Log, interrupt: () => void): void {
  const isGone = (error: Error) => READER_IS_GONE.includes(systemCode(error) ?? '')
  process.stdout.on('error', error => {
    if (isGone(error)) return interrupt()
    const { code, message, hint } = asOpsError(error)
    process.exitCode = code
    log.error(`the result could not be written: ${message}`)
    log.info(`  ${log.chalk.cyan('→')} ${hint}`)
  })
  // There is no place left to say what is wrong with it.
  process.stderr.on('error', error => {
    if (isGone(error)) interrupt()
  })
}

/**
 * The parsed command line of a script: positional arguments include their defaults, and those of `[name...]` are flattened.
 * @throws CommanderError for unknown options or arguments, and for `--help` once it is printed
 */
export function parsedArguments<O>(definition: ScriptDefinition<O>, argv: string[]): Pick<Run<O>, 'options' | 'args'> {
  const command = commandFor(definition).parse(argv, { from: 'user' })
  // `command.args` lacks the defaults. Optional arguments that were left out are undefined.
  const args = (command.processedArgs as (string | string[] | undefined)[]).flat().filter(arg => arg !== undefined)
  return { options: command.opts<O & CommonOptions>(), args }
}

/** The command line that a script takes. */
export function commandFor<O>(definition: ScriptDefinition<O>): Command {
  const command = new Command(definition.name)
    .description(definition.summary)
    .option('--json', 'print one JSON document on stdout')
    .option('--debug', 'show in detail what is done')
    .option('--quiet', 'show only warnings and errors')
    .helpOption('-h, --help', 'show this help')
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  definition.define?.(command)
  return command
}

/** Reports what went wrong and what to do next. @returns the exit code */
function reportFailure(name: string, thrown: unknown, json: boolean, log: Log, argv: string[]): ExitCode {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok
  const error =
    thrown instanceof CommanderError
      ? new OpsError(exitCodes.usage, thrown.message.replace(/^error: /, ''), `see \`${name} --help\``, thrown)
      : asOpsError(thrown)
  log.error(error.message)
  log.info(`  ${log.chalk.cyan('→')} ${error.hint}`)
  if (error.code === exitCodes.bug || argv.includes('--debug')) log.info(redact(stackOf(thrown)))
  const details = error instanceof DetailedError ? error.document : {}
  if (json)
    printDocument(name, error.code, { ...details, error: { code: error.code, message: error.message, hint: error.hint } })
  return error.code
}

const stackOf = (thrown: unknown): string => {
  const parts: string[] = []
  for (let at = thrown; at instanceof Error; at = at.cause) parts.push(at.stack ?? at.message)
  return parts.join('\ncaused by ')
}

/** A failure whose `--json` document holds more than the error, such as phases or findings. */
export class DetailedError extends OpsError {
  readonly document: Outcome['document']

  constructor(error: OpsError, document: Outcome['document']) {
    super(error.code, error.message, error.hint, error.cause)
    this.document = document
  }
}

/** Only a terminal gets colours: elsewhere all escape sequences are somebody else's. */
const shown = (text: string): string => (process.stdout.isTTY && !process.env.NO_COLOR ? visibleInColour(text) : visible(text))

const printDocument = (name: string, exitCode: number, document: Outcome['document']) =>
  process.stdout.write(documentText({ schema: `threads-ops/${name}/1`, exitCode, ...document }))
