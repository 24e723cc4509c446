import { join } from 'node:path'
import type { VerbOptions } from '../command-line/options.ts'
import { asOpsError, exitCodes, messageOf } from '../runtime/errors.ts'
import { type JournalWriter, openJournal, type PhaseRecord } from '../runtime/journal.ts'
import type { Json } from '../runtime/json.ts'
import { type Phase, type PlannedPhase, planPhases, runPhases } from '../runtime/phases.ts'
import { DetailedError, type Outcome, type Run } from '../runtime/script.ts'
import type { Context } from './context.ts'
import { gitSha, operator } from './operator.ts'

/** What a verb does: a literal list of phases, and what is said before and after them. */
export interface Work {
  phases: Phase<Context>[]
  /** What the operator must agree to before anything is changed. @throws OpsError 4 without it */
  agree?(): Promise<void>
  /** The result for people once every phase is done. */
  report?(): string
  /** More members of the `--json` document, whether it went well or not. */
  document?(): Outcome['document']
}

/** Does a verb's work, or says what it would do. */
export async function runVerb<O>(work: Work, context: Context, run: Run<O & VerbOptions>): Promise<Outcome> {
  if (run.options.dryRun) return describePlan(work.phases, context)
  await work.agree?.()
  return journalled(work.phases, context, run, {
    async conclude(records) {
      const changed = records.filter(({ status }) => status === 'done').length
      await context.clearDeadLock()
      const nothing = changed === 0 ? 'Nothing to do: everything is as it should be.' : ''
      return { document: { changed }, text: work.report?.() ?? nothing }
    },
    more: () => work.document?.(),
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

function describePhase({ title, state, changes, differences, needs }: PlannedPhase): string {
  if (differences) return [`  = ${title}, kept as it is`, ...differences.map(difference => `      ≠ ${difference}`)].join('\n')
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
