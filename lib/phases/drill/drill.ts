import type { VerbOptions } from '../../command-line/options.ts'
import type { Facts } from '../../model/drill/facts.ts'
import { unfinished } from '../../model/drill/resume.ts'
import { finished } from '../../model/drill/times.ts'
import { conclude } from '../../model/drill/verdict.ts'
import type { Context } from '../../operation/context.ts'
import { operator } from '../../operation/operator.ts'
import { keepJournal, newJournal } from '../../operation/verb.ts'
import { precondition } from '../../runtime/errors.ts'
import { type Journal, type JournalWriter, reopenJournal } from '../../runtime/journal.ts'
import type { Json } from '../../runtime/json.ts'
import type { Run } from '../../runtime/script.ts'
import type { Announcement } from '../layer/announcement.ts'
import { damage, readDrills } from './journals.ts'
import { scenarioNamed, scenarioOf } from './scenarios.ts'
import type { Drill, DrillScenario } from './step.ts'

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

/** The environment's unfinished drill, if there is one. @throws OpsError 4 when the newest one's journal is damaged */
async function unfinishedDrill({ environment }: Pick<Context, 'environment'>): Promise<Journal | undefined> {
  const [newest] = await readDrills(environment.name)
  const damaged = newest && damage(newest)
  if (damaged) throw damaged
  return unfinished(newest, scenarioOf(newest)) === undefined ? undefined : newest
}

const isResumed = (journal: Journal | undefined): journal is Journal => unfinished(journal, scenarioOf(journal)) === 'resume'

/** The unfinished drill as it stands, else a new one. Only for planning: nothing is written. */
export async function plannedDrill(request: DrillRequest, context: Context): Promise<Drill> {
  const earlier = await unfinishedDrill(context)
  const journal = isResumed(earlier) ? earlier : ({ facts: {}, phases: [] } as unknown as Journal)
  return drillOver(journal, request, context, { resumed: journal === earlier })
}

/**
 * Resumes the environment's unfinished drill, or begins one. Takes the environment's lock first: two drills must not share a journal.
 * @param abort take the unfinished drill, whatever it has done so far
 */
export async function openDrill<O>(
  request: DrillRequest,
  context: Context,
  run: Run<O & VerbOptions>,
  { abort = false }: { abort?: boolean } = {},
): Promise<Drill> {
  await context.beforeChange?.()
  const earlier = await unfinishedDrill(context)
  if (earlier && !abort && !isResumed(earlier)) await close(earlier, request, context)
  if (abort && !earlier)
    throw precondition('there is no unfinished drill to abort', '`./taskw dr-drill:report` shows the last ones')
  const resumed = earlier && (abort || isResumed(earlier)) ? earlier : undefined
  const writer = resumed ? await reopenJournal(resumed) : await newJournal(context, run)
  keepJournal(context, writer)
  const drill = drillOver(writer.journal, request, context, { resumed: resumed !== undefined, writer })
  if (!resumed) {
    const { terraform, environment } = context
    await drill.remember('drill', {
      scenario: drill.scenario.name,
      layers: terraform.layers,
      snapshotsAfter: [...environment.snapshots.after],
      targets: await targets(context),
    })
  } else
    context.log.info(
      `${abort ? 'aborting' : 'resuming'} drill ${resumed.id}, which stopped before "${nextStep(drill)}" was done`,
    )
  const startedAt = context.now().toISOString()
  await drill.remember('attempts', [...(drill.facts.attempts ?? []), { startedAt, operator: operator() }])
  return drill
}

const nextStep = ({ scenario, journal }: Drill): string =>
  scenario.steps.find(({ id }) => !finished(journal.phases, id))?.title ?? 'the end'

/** A drill that stopped before it destroyed anything has shown nothing, and its steady state is out of date. */
async function close(journal: Journal, request: DrillRequest, context: Context): Promise<void> {
  context.log.info(`drill ${journal.id} stopped before anything was destroyed: closing it and beginning a new one`)
  const writer = await reopenJournal(journal)
  await drillOver(writer.journal, request, context, { resumed: true, writer }).conclude()
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
