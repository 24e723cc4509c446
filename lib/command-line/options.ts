import { Argument, type Command, Option } from 'commander'
import { environmentNames } from '../config/names.ts'
import { type Values, valued } from './values.ts'

export interface EnvironmentOptions {
  env: string
}

/** `--env`, which every script on an environment has. */
export const environmentOption = (): Option =>
  new Option('--env <name>', 'environment').env('ENV').default('lab').choices(environmentNames())

export interface ConsentOptions {
  yes?: boolean
  confirm?: string
}

/** `--yes` and `--confirm`, which every script has that may ask. */
export const consentOptions = (command: Command): Command =>
  command
    .option('--yes', 'do not ask')
    .addOption(valued('environment', new Option('--confirm <env>', "the environment's name, typed beforehand")))

export interface VerbOptions extends EnvironmentOptions, ConsentOptions {
  dryRun?: boolean
}

/** What every verb has that changes an environment. */
export const verbOptions = (command: Command): Command =>
  consentOptions(
    command.option(
      '--dry-run',
      'say what would change, change nothing; exit code 8 when something would, 4 when it would be refused',
    ),
  )

export interface ApplyOptions {
  allowDestroy?: string[]
  fresh?: boolean
}

/** Layers by name; in brackets as commander has them. */
export const layerArgument = (name: string, what: string): Argument => valued('layer', new Argument(name, what))

/** The options of a verb that applies layers. */
export const applyOptions = (command: Command): Command =>
  command
    .option(
      '--allow-destroy <address>',
      'let the plan delete or replace this resource, and no other (repeatable; * stands for any text)',
      (address: string, before: string[] = []) => [...before, address],
    )
    .option('--fresh', 'make an empty boot disk although there are snapshots to restore')

/**
 * Arguments that are another program's: from the first word on, and before it whatever is no option of ours.
 * @param first what the first word is one of
 */
export function foreignArguments(command: Command, what: string, first: Values = []): Command {
  const args = valued(first, new Argument('[args...]', what))
  foreign.add(args)
  return command.addArgument(args).allowUnknownOption().passThroughOptions()
}

const foreign = new WeakSet<Argument>()

/** Whether all that follows the first word is another program's. */
export const isForeign = (argument: Argument): boolean => foreign.has(argument)
