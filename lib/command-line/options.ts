import { type Command, Option } from 'commander'
import { environmentNames } from '../config/names.ts'

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
  command.option('--yes', 'do not ask').option('--confirm <env>', "the environment's name, typed beforehand")

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

/** The options of a verb that applies layers. */
export const applyOptions = (command: Command): Command =>
  command
    .option(
      '--allow-destroy <address>',
      'let the plan delete or replace this resource, and no other (repeatable; * stands for any text)',
      (address: string, before: string[] = []) => [...before, address],
    )
    .option('--fresh', 'make an empty boot disk although there are snapshots to restore')

/** Arguments that are another program's: from the first word on, and before it whatever is no option of ours. */
export const foreignArguments = (command: Command, what: string): Command =>
  command.argument('[args...]', what).allowUnknownOption().passThroughOptions()
