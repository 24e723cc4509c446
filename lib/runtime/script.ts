import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { asOpsError, type ExitCode, exitCodes, OpsError } from './errors.ts'
import { root } from './files.ts'
import type { Json } from './json.ts'
import { createLog, type Log } from './log.ts'
import { redact } from './redact.ts'

/** What every script may rely on. */
export interface Run<O = Record<string, never>> {
  options: O & CommonOptions
  /** Positional arguments. */
  args: string[]
  log: Log
  /** Aborted by the first SIGINT or SIGTERM. */
  signal: AbortSignal
}

export interface CommonOptions {
  json?: boolean
  debug?: boolean
  quiet?: boolean
}

export interface Outcome {
  exitCode?: ExitCode
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
  if (isMain(definition.name)) void main(definition, process.argv.slice(2))
  return definition
}

const isMain = (name: string): boolean => {
  const invoked = process.argv[1]
  return invoked !== undefined && realpathSync(invoked) === join(root, 'scripts', `${name.replaceAll(':', '/')}.ts`)
}

async function main<O>(definition: ScriptDefinition<O>, argv: string[]): Promise<void> {
  const stop = new AbortController()
  let log = createLog()
  const onSignal = () => {
    if (stop.signal.aborted) return
    log.warn('interrupted: letting the current step end cleanly')
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A closed stdout (`| head`) is not an error.
  process.stdout.on('error', () => undefined)

  let json = argv.includes('--json')
  try {
    const { options, args } = parsedArguments(definition, argv)
    json = options.json === true
    log = createLog({ debug: options.debug === true, quiet: options.quiet === true })
    const outcome = await definition.run({ options, args, log, signal: stop.signal })
    const exitCode = outcome.exitCode ?? exitCodes.ok
    if (json) printDocument(definition.name, exitCode, outcome.document)
    else if (outcome.text) process.stdout.write(`${redact(outcome.text.trimEnd())}\n`)
    process.exitCode = exitCode
  } catch (thrown) {
    process.exitCode = reportFailure(definition.name, thrown, json, log, argv)
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
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

function commandFor<O>(definition: ScriptDefinition<O>): Command {
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

const printDocument = (name: string, exitCode: ExitCode, document: Outcome['document']) =>
  process.stdout.write(redact(`${JSON.stringify({ schema: `threads-ops/${name}/1`, exitCode, ...document }, undefined, 2)}\n`))
