import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFreeLock } from '../model/layer/adoption.ts'
import type { Binding } from '../model/layer/binding.ts'
import { undoesOnlyExpiringKeys } from '../model/layer/expiring-keys.ts'
import { type PlanFacts, planFacts } from '../model/layer/plan.ts'
import { stateFacts } from '../model/layer/state.ts'
import {
  type Change,
  describeErrors,
  describeProgress,
  emptyStream,
  readStreamLine,
  type StreamState,
} from '../model/layer/stream.ts'
import { exitCodes, OpsError } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import { unzipped } from './archive.ts'
import type { Command, Ended } from './command.ts'

/** A saved plan: what is shown is what is applied, and only to the state that it was made on. */
export interface Plan extends Binding, Omit<PlanFacts, 'reads'> {
  destroy: boolean
  file: string
  changes: Change[]
  drift: Change[]
  outputsChanged: boolean
  /** Nothing to do, outputs included, keys that expire by themselves left out; `changes`, `resources` and `variables` are then empty as well. */
  empty: boolean
}

export interface PlanOptions {
  destroy?: boolean
  /** Seconds to wait for the state's lock; as long as `TerraformOptions.lockDeadline` unless told. */
  lockTimeout?: number
  /** `false` for a look: no lock is taken or waited for, and nothing is written to the bucket. It can be applied all the same. */
  lock?: boolean
  onProgress?: (detail: string) => void
  /** Of a look: Terraform has its state, and works by itself, however busy this process is. */
  onUnderway?: () => void
}

/** A failed plan or apply, with what Terraform said of each address. */
export class TerraformError extends OpsError {
  readonly errors: StreamState['errors']

  constructor(what: string, said: string, errors: StreamState['errors']) {
    super(exitCodes.external, `${what} failed:\n${said}`, hintFor(said))
    this.errors = errors
  }
}

/** A plan that is for another environment, commit or state than there is now; nothing was changed. */
export class StalePlan extends OpsError {
  constructor(why: string) {
    super(exitCodes.precondition, `${why}: nothing was changed`, 'plan again: run the same command again')
  }
}

/** https://developer.hashicorp.com/terraform/cli/commands/plan#detailed-exitcode */
const EXIT_CHANGES = 2

/** A Terraform that has ended, and what it said in its stream. */
export type Followed = Ended & { said: StreamState }

/** How often a state lock that nobody holds is asked for, and the pause before the second time; it grows. In milliseconds. */
const LOCK_ATTEMPTS = 4
const LOCK_PAUSE_MS = 500

/** Runs a command, and again where the state's lock was let go while Terraform asked who has it. */
export async function untilLocked<E extends Ended>(
  command: Command,
  run: () => Promise<E>,
  wasFree: (ended: E) => boolean,
): Promise<E> {
  for (let number = 1; ; number++) {
    const ended = await run()
    if (number === LOCK_ATTEMPTS || command.stopped('terraform', ended) !== undefined || !wasFree(ended)) return ended
    await sleep(LOCK_PAUSE_MS * number)
  }
}

/** Runs a command with `-json` and reads what it says on its way. */
export const follow = (
  command: Command,
  folder: string,
  args: string[],
  options: { env?: Record<string, string>; onProgress?: ((detail: string) => void) | undefined },
): Promise<Followed> =>
  untilLocked(
    command,
    () => followOnce(command, folder, args, options),
    ({ said }) => said.errors.some(({ summary, detail }) => isFreeLock(`${summary}\n${detail}`)),
  )

async function followOnce(
  command: Command,
  folder: string,
  args: string[],
  { env, onProgress }: { env?: Record<string, string>; onProgress?: ((detail: string) => void) | undefined },
): Promise<Followed> {
  let said = emptyStream
  const ended = await command.run(folder, args, {
    ...(env && { env }),
    onLine: line => {
      said = readStreamLine(said, line)
      if (said.total > 0) onProgress?.(describeProgress(said))
    },
  })
  return { ...ended, said }
}

export const lastWords = (command: Command, what: string, ended: Followed): Error =>
  command.stopped(what, ended) ??
  new TerraformError(
    what,
    describeErrors(ended.said.errors) || ended.stderr.trim() || `exit code ${ended.exitCode}`,
    ended.said.errors,
  )

export interface PlanRun {
  command: Command
  layer: string
  root: string
  /** Where it is saved, absolute; its folder is made, 0700. */
  file: string
  env: string
  gitSha: string
  /** Over those of every command. */
  variables?: Record<string, string>
}

/** Plans a layer that is initialised. @returns the plan, and the states that it was made from, as `bucket/object` */
export async function makePlan(
  { command, layer, root, file, env, gitSha, variables = {} }: PlanRun,
  { destroy = false, lock = true, lockTimeout = 0, onProgress }: PlanOptions,
): Promise<{ plan: Plan; reads: string[] }> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const flags = [
    ...['-json', '-detailed-exitcode', `-out=${file}`],
    ...(lock ? [`-lock-timeout=${lockTimeout}s`] : ['-lock=false']),
    ...(destroy ? ['-destroy'] : []),
  ]
  const ended = await follow(command, root, ['plan', ...flags], { env: variables, onProgress })
  if (ended.exitCode !== 0 && ended.exitCode !== EXIT_CHANGES) throw lastWords(command, `terraform plan of ${layer}`, ended)
  // Reading it starts every provider: of an empty one there is nothing to read.
  const { reads, ...facts } = ended.exitCode === 0 ? nothing : await shown(command, layer, root, file)
  const { changes, drift, outputsChanged } = ended.said
  const made = { ...(await madeOn(file)), layer, env, gitSha, destroy, file, drift, outputsChanged }
  const others = changes.length > facts.resources.length
  const empty = ended.exitCode === 0 || (!outputsChanged && !others && undoesOnlyExpiringKeys(facts.resources))
  return { plan: { ...made, ...(empty ? { ...noFacts, changes: [] } : { ...facts, changes }), empty }, reads }
}

const noFacts = { resources: [], variables: {} }
const nothing: PlanFacts = { ...noFacts, reads: [] }

/** Its output holds secrets: it goes nowhere but through the reader that masks them. */
async function shown(command: Command, layer: string, root: string, file: string): Promise<PlanFacts> {
  const ended = await command.run(root, ['show', '-json', file])
  if (ended.exitCode !== 0) throw command.failure(`reading the plan of ${layer}`, ended, 'run the same command again')
  return planFacts(ended.stdout)
}

/** The state that a saved plan was made on is in its file: what Terraform compares too before it applies it. */
async function madeOn(file: string): Promise<{ lineage: string; serial: number }> {
  const { lineage, serial } = stateFacts(unzipped(await readFile(file), 'tfstate') ?? '')
  return { lineage, serial }
}

/** The values that a plan gives a resource, as far as they are known. */
export const plannedValues = ({ resources }: Plan, address: string): Record<string, Json> =>
  resources.find(resource => resource.address === address)?.after ?? {}

export function hintFor(said: string): string {
  if (/Error acquiring the state lock/.test(said) && !/Lock Info/.test(said)) {
    if (/Error 40[13]/.test(said))
      return 'nobody holds the lock: these credentials may not write it. They need storage.objects.create and storage.objects.delete on the state bucket'
    return 'nobody holds the lock now: run the same command again'
  }
  if (/Error acquiring the state lock/.test(said)) {
    return 'another run holds the lock (Who and Created above). If that process is dead: `terraform force-unlock <ID>` in the layer’s folder'
  }
  if (/errored\.tfstate/.test(said))
    return 'the new state could not be stored: `terraform state push errored.tfstate` in the layer’s folder before anything else'
  return 'correct what Terraform says and run the same command again'
}
