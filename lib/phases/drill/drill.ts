import type { VerbOptions } from '../../command-line/options.ts'
import type { Facts } from '../../model/drill/facts.ts'
import { type OtherRun, runsSince, unfinished } from '../../model/drill/resume.ts'
import { finished } from '../../model/drill/times.ts'
import { conclude } from '../../model/drill/verdict.ts'
import type { Context } from '../../operation/context.ts'
import { publishedJournals } from '../../operation/journals.ts'
import { operator } from '../../operation/operator.ts'
import { keepJournal, newJournal } from '../../operation/verb.ts'
import { messageOf, type OpsError, precondition } from '../../runtime/errors.ts'
import { type Journal, type JournalWriter, reopenJournal } from '../../runtime/journal.ts'
import type { Json } from '../../runtime/json.ts'
import type { Run } from '../../runtime/script.ts'
import type { Announcement } from '../layer/announcement.ts'
import { damage, readDrills } from './journals.ts'
import { scenarioNamed, scenarioOf } from './scenarios.ts'
import type { Drill, DrillScenario } from './step.ts'
import { cleanUp } from './steps/clean-up.ts'

/** What a drill is asked to do. */
export interface DrillRequest {
  scenario: DrillScenario
  announcement: Announcement
  /** How long everything may take to be healthy at the end, in milliseconds. */
  within: number
}

/** The scenario of that name for the environment's layers. @throws OpsError 2 for an unknown name */
export const chosenScenario = (name: string, { terraform, environment }: Pick<Context, 'terraform' | 'environment'>) =>
  scenarioNamed(name, terraform.layers, environment.snapshots.after)

/** The environment's newest drill, if it is unfinished, and what becomes of it. */
interface Unfinished {
  journal: Journal
  next: 'resume' | 'abort' | 'close'
  others: OtherRun[]
}

/** @throws OpsError 4 when the newest drill's journal is damaged */
async function unfinishedDrill(context: Pick<Context, 'environment' | 'store'>): Promise<Unfinished | undefined> {
  const [journal] = await readDrills(context.environment.name)
  const damaged = journal && damage(journal)
  if (damaged) throw damaged
  const scenario = scenarioOf(journal)
  if (!journal || unfinished(journal, scenario) === undefined) return undefined
  const others = runsSince(journal, await publishedJournals(context))
  const next = unfinished(journal, scenario, others)
  return next && { journal, next, others }
}

/**
 * The journal of the drill that goes on; undefined where a new one begins.
 * @param abort take the unfinished drill, whatever it has done so far
 * @throws OpsError 4 when there is none to abort, or when it can't but be aborted
 */
function goingOn(found: Unfinished | undefined, abort: boolean): Journal | undefined {
  if (abort) {
    if (found) return found.journal
    throw precondition('there is no unfinished drill to abort', '`./taskw dr-drill:report` shows the last ones')
  }
  if (found?.next === 'abort') throw onlyAborted(found)
  return found?.next === 'resume' ? found.journal : undefined
}

function onlyAborted({ journal: { id }, others: [other] }: Unfinished): OpsError {
  const why = other
    ? `drill ${id} can't go on: since it began, \`${other.verb}\` of ${other.operator} has worked on the system (run ${other.id}), so that its times and findings would not be its own`
    : `drill ${id} is being aborted, and its abort has not ended`
  return precondition(why, '`./taskw dr-drill -- --abort` brings everything up and closes it; then begin a new one')
}

/** The unfinished drill as it stands, else a new one. Only for planning: nothing is written. @throws OpsError 4, see `goingOn` */
export async function plannedDrill(
  request: DrillRequest,
  context: Context,
  { abort = false }: { abort?: boolean } = {},
): Promise<Drill> {
  const journal = goingOn(await unfinishedDrill(context), abort)
  const none = { facts: {}, phases: [] } as unknown as Journal
  return drillOver(journal ?? none, request, context, { resumed: journal !== undefined })
}

/**
 * Resumes the environment's unfinished drill, or begins one. Takes the environment's lock first: two drills must not share a journal.
 * @param abort take the unfinished drill, whatever it has done so far
 * @throws OpsError 4, see `goingOn`
 */
export async function openDrill<O>(
  request: DrillRequest,
  context: Context,
  run: Run<O & VerbOptions>,
  { abort = false }: { abort?: boolean } = {},
): Promise<Drill> {
  await context.beforeChange?.()
  const found = await unfinishedDrill(context)
  const earlier = goingOn(found, abort)
  if (found && !earlier) await close(found.journal, request, context)
  const writer = earlier ? await reopenJournal(earlier) : await newJournal(context, run)
  keepJournal(context, writer)
  const drill = drillOver(writer.journal, request, context, { resumed: earlier !== undefined, writer })
  if (!earlier) {
    const { terraform, environment } = context
    await drill.remember('drill', {
      scenario: drill.scenario.name,
      layers: terraform.layers,
      snapshotsAfter: [...environment.snapshots.after],
      targets: await targets(context),
    })
    await drill.remember(
      'runs',
      (await publishedJournals(context)).map(({ id }) => id),
    )
  } else
    context.log.info(
      `${abort ? 'aborting' : 'resuming'} drill ${earlier.id}, which stopped before "${nextStep(drill)}" was done`,
    )
  const startedAt = context.now().toISOString()
  // Before anything is done: what an abort that is killed has rebuilt must not pass for the drill's own work.
  if (abort) await drill.remember('aborted', drill.facts.aborted ?? { at: startedAt, operator: operator() })
  await drill.remember('attempts', [...(drill.facts.attempts ?? []), { startedAt, operator: operator() }])
  return drill
}

const nextStep = ({ scenario, journal }: Drill): string =>
  scenario.steps.find(({ id }) => !finished(journal.phases, id))?.title ?? 'the end'

/** A drill that stopped before it destroyed anything has shown nothing, and its steady state is out of date. */
async function close(journal: Journal, request: DrillRequest, context: Context): Promise<void> {
  context.log.info(`drill ${journal.id} stopped before anything was destroyed: closing it and beginning a new one`)
  const writer = await reopenJournal(journal)
  const drill = drillOver(writer.journal, request, context, { resumed: true, writer })
  try {
    await cleanUp().work(drill).run(context)
  } catch (error) {
    if (context.signal.aborted) throw error
    context.log.warn(`its markers and copies could not be removed: ${messageOf(error)}`)
  }
  await drill.conclude()
}

async function targets({ baseLayer, output }: Pick<Context, 'baseLayer' | 'output'>): Promise<Record<string, string>> {
  const names = ['project_id', 'zone', 'vm_name'] as const
  const [project, zone, vm] = await Promise.all(names.map(name => output(baseLayer, name)))
  return { project: project ?? '', zone: zone ?? '', vm: vm ?? '' }
}

function drillOver(
  journal: Journal,
  { scenario: chosen, announcement, within }: DrillRequest,
  { environment, now }: Pick<Context, 'environment' | 'now'>,
  { resumed, writer }: { resumed: boolean; writer?: JournalWriter },
): Drill {
  const facts = journal.facts as Facts
  // A drill that has begun goes on with its own scenario, whatever was asked for this time.
  const scenario = scenarioOf(journal) ?? chosen
  const remember: Drill['remember'] = async (name, value) => writer?.fact(name, value as unknown as Json)
  return {
    scenario,
    resumed,
    journal,
    facts,
    announcement,
    within,
    remember,
    async conclude() {
      const wanted = { environment: environment.name, vm: facts.drill?.targets.vm ?? '' }
      const conclusion = conclude(scenario, { facts, records: journal.phases, wanted })
      await remember('conclusion', conclusion)
      return conclusion
    },
    async end(exitCode) {
      const attempts = facts.attempts ?? []
      const [last] = attempts.slice(-1)
      if (last) await remember('attempts', [...attempts.slice(0, -1), { ...last, endedAt: now().toISOString(), exitCode }])
      await writer?.end(exitCode)
    },
  }
}
