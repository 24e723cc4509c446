import { join } from 'node:path'
import type { Command } from 'commander'
import { asOpsError, exitCodes, messageOf } from '../runtime/errors.ts'
import { type JournalWriter, openJournal, type PhaseRecord } from '../runtime/journal.ts'
import type { Json } from '../runtime/json.ts'
import { type Phase, type PlannedPhase, planPhases, runPhases } from '../runtime/phases.ts'
import { DetailedError, type Outcome, type Run, type ScriptDefinition } from '../runtime/script.ts'
import { type ConsentOptions, consentOptions } from './consent.ts'
import type { Context } from './context.ts'
import { gitSha, operator } from './operator.ts'
import { type EnvironmentOptions, environmentScript } from './script.ts'

export interface VerbOptions extends EnvironmentOptions, ConsentOptions {
  dryRun?: boolean
}

/**
 * A script that changes an environment: a literal list of phases, run under the environment's lock and journalled.
 * `subject` is what the verb is about, where its phases share something: made once, and handed to whatever comes after.
 */
export function verb<O, S = undefined>(definition: {
  name: string
  summary: string
  define?(command: Command): void
  subject?(context: Context, run: Run<O & VerbOptions>): S
  phases(context: Context, run: Run<O & VerbOptions>, subject: S): Phase<Context>[]
  /** What the operator must agree to before anything is changed. @throws OpsError 4 without it */
  agree?(context: Context, subject: S): Promise<void>
  /** The result for people once every phase is done. */
  report?(subject: S): string
  /** More members of the `--json` document, whether it went well or not. */
  document?(subject: S): Outcome['document']
}): ScriptDefinition<O & VerbOptions> {
  return environmentScript<O & VerbOptions>({
    ...definition,
    define(command) {
      command.option(
        '--dry-run',
        'say what would change, change nothing; exit code 8 when something would, 4 when it would be refused',
      )
      consentOptions(command)
      definition.define?.(command)
    },
    async run(context, run) {
      const subject = definition.subject?.(context, run) as S
      const phases = definition.phases(context, run, subject)
      if (run.options.dryRun) return describePlan(phases, context)
      await definition.agree?.(context, subject)

      return journalled(phases, context, run, {
        async conclude(records) {
          const changed = records.filter(({ status }) => status === 'done').length
          const nothing = changed === 0 ? 'Nothing to do: everything is as it should be.' : ''
          return { document: { changed }, text: definition.report?.(subject) ?? nothing }
        },
        more: () => definition.document?.(subject),
      })
    },
  })
}

/**
 * Runs phases with a journal of their own.
 * @param ends what comes of it once every phase is done, and more members of the `--json` document whether they are or not
 * @throws DetailedError of the phase that failed
 */
export async function journalled<O>(
  phases: Phase<Context>[],
  context: Context,
  run: Run<O & VerbOptions>,
  ends: { conclude(records: PhaseRecord[]): Promise<Outcome>; more?(): Outcome['document'] | undefined },
): Promise<Outcome> {
  const journal = await newJournal(context, run)
  keepJournal(context, journal)
  const document = () => ({
    run: journal.journal.id,
    phases: journal.journal.phases as unknown as Json,
    ...ends.more?.(),
  })
  try {
    const outcome = await ends.conclude(await runPhases(phases, context, journal))
    await journal.end(outcome.exitCode ?? exitCodes.ok)
    return { ...outcome, document: { ...document(), ...outcome.document } }
  } catch (thrown) {
    const error = asOpsError(thrown)
    await journal
      .end(error.code)
      .catch(unwritten => context.log.warn(`the journal could not be written: ${messageOf(unwritten)}`))
    throw new DetailedError(error, document())
  }
}

/** What the phases would do, by their checks alone. Exit code 8 when something would change, 4 when it would be refused. */
export async function describePlan(phases: Phase<Context>[], context: Context): Promise<Outcome> {
  const plan = await planPhases(phases, context)
  const pending = plan.filter(({ state }) => state !== 'done')
  const refusals = [...new Set(plan.flatMap(({ refusal }) => refusal ?? []))]
  const summary = pending.length === 0 ? 'Nothing to do.' : `${pending.length} of ${plan.length} phases pending.`
  return {
    exitCode: refusals.length > 0 ? exitCodes.precondition : pending.length > 0 ? exitCodes.changes : exitCodes.ok,
    document: { dryRun: true, phases: plan as unknown as Json },
    text: [...plan.map(describePhase), summary, ...refusals.map(refusal => `It would stop: ${refusal}`)].join('\n'),
  }
}

function describePhase({ title, state, changes, needs }: PlannedPhase): string {
  if (state === 'done') return `  = ${title}`
  if (state === 'refused') return `  ! ${title}: refused`
  if (state === 'unknown') return `  ? ${title}: deferred, needs ${needs}`
  return [`  ~ ${title}`, ...changes.map(change => `      ${change}`)].join('\n')
}

/** A journal for this run. */
export const newJournal = async <O>(
  { verb, now }: Pick<Context, 'verb' | 'now'>,
  { options, args }: Run<O & VerbOptions>,
): Promise<JournalWriter> =>
  openJournal({
    verb,
    env: options.env,
    operator: operator(),
    gitSha: await gitSha(),
    args: { ...options, args } as Json,
    now: now(),
  })

/** From now on the phases and the log go into this journal's folder. */
export function keepJournal(context: Pick<Context, 'journal' | 'log'>, journal: JournalWriter): void {
  context.journal = journal
  context.log.toFile(join(journal.directory, 'log.txt'))
}
