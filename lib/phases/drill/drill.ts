import type { Facts } from '../../model/drill/facts.ts'
import { unfinished } from '../../model/drill/resume.ts'
import { type Scenario, scenarios } from '../../model/drill/scenario.ts'
import { finished } from '../../model/drill/times.ts'
import { type Conclusion, conclude } from '../../model/drill/verdict.ts'
import { type ExitCode, precondition, usage } from '../../runtime/errors.ts'
import { type Journal, type JournalWriter, readJournals, reopenJournal } from '../../runtime/journal.ts'
import type { Json } from '../../runtime/json.ts'
import type { Run } from '../../runtime/script.ts'
import { baseLayer, keepJournal, newJournal, type Operation, operator, type VerbOptions } from '../operation.ts'

/** A drill under way: what it is to do, and what it knows. */
export interface Drill {
  scenario: Scenario
  /** Whether an earlier run has begun it. */
  resumed: boolean
  journal: Journal
  facts: Facts
  remember<K extends keyof Facts>(name: K, value: Facts[K]): Promise<void>
  /** Judges what there is, for good. */
  conclude(): Promise<Conclusion>
  /** Ends this process's part in it. */
  end(exitCode: ExitCode): Promise<void>
}

/** @throws OpsError 2 for a name that is none */
export function chosenScenario(name: string): Scenario {
  const scenario = scenarios[name]
  if (!scenario) throw usage(`there is no scenario "${name}"`, `one of: ${Object.keys(scenarios).join(', ')}`)
  return scenario
}

/** The environment's drill that was begun and not ended, if there is one. */
export async function unfinishedDrill({ verb, environment }: Operation): Promise<Journal | undefined> {
  const [newest] = await readJournals(verb, environment.name)
  return unfinished(newest) === undefined ? undefined : newest
}

/** The unfinished drill as it stands, else a new one: for looking only, nothing is written. */
export async function plannedDrill(scenario: Scenario, operation: Operation): Promise<Drill> {
  const earlier = await unfinishedDrill(operation)
  const journal = earlier && unfinished(earlier) === 'resume' ? earlier : undefined
  return drillOver(journal ?? ({ facts: {}, phases: [] } as unknown as Journal), scenario, operation, Boolean(journal))
}

/**
 * Goes on with the environment's unfinished drill, or begins one. Takes the environment's lock first: two drills on one journal
 * would be worse than two on one system.
 * @param abort the unfinished one is taken up whatever it has done so far
 */
export async function openDrill<O>(
  scenario: Scenario,
  operation: Operation,
  run: Run<O & VerbOptions>,
  { abort = false }: { abort?: boolean } = {},
): Promise<Drill> {
  await operation.beforeChange?.()
  const earlier = await unfinishedDrill(operation)
  if (earlier && !abort && unfinished(earlier) === 'close') await close(earlier, scenario, operation)
  if (abort && !earlier)
    throw precondition('there is no unfinished drill to abort', '`./taskw dr-drill:report` shows the last ones')
  const resumed = earlier && (abort || unfinished(earlier) === 'resume') ? earlier : undefined
  const writer = resumed ? await reopenJournal(resumed) : await newJournal(operation, run)
  keepJournal(operation, writer)
  const drill = drillOver(writer.journal, scenario, operation, resumed !== undefined, writer)
  if (!resumed) await drill.remember('drill', { scenario: scenario.name, targets: await targets(operation) })
  else
    operation.log.info(
      `${abort ? 'giving up' : 'going on with'} drill ${resumed.id}, which ended before "${nextStep(drill)}" was done`,
    )
  const startedAt = operation.now().toISOString()
  await drill.remember('attempts', [...(drill.facts.attempts ?? []), { startedAt, operator: operator() }])
  return drill
}

const nextStep = ({ scenario, journal }: Drill): string =>
  scenario.steps.find(({ id }) => !finished(journal.phases, id))?.title ?? 'its end'

/** A drill that ended before it destroyed anything has shown nothing, and its steady state is long past. */
async function close(journal: Journal, scenario: Scenario, operation: Operation): Promise<void> {
  operation.log.info(`drill ${journal.id} ended before anything was destroyed: it is closed, and a new one begun`)
  const writer = await reopenJournal(journal)
  await drillOver(writer.journal, scenario, operation, true, writer).conclude()
}

async function targets({ terraform, output }: Operation): Promise<Record<string, string>> {
  const names = ['project_id', 'zone', 'vm_name'] as const
  const [project, zone, vm] = await Promise.all(names.map(name => output(baseLayer(terraform), name)))
  return { project: project ?? '', zone: zone ?? '', vm: vm ?? '' }
}

function drillOver(
  journal: Journal,
  chosen: Scenario,
  { environment, now }: Operation,
  resumed: boolean,
  writer?: JournalWriter,
): Drill {
  const facts = journal.facts as Facts
  // What was begun is gone on with, whatever was asked for this time.
  const scenario = scenarios[facts.drill?.scenario ?? ''] ?? chosen
  const remember: Drill['remember'] = async (name, value) => writer?.fact(name, value as unknown as Json)
  return {
    scenario,
    resumed,
    journal,
    facts,
    remember,
    async conclude() {
      const vm = facts.drill?.targets.vm ?? ''
      const conclusion = conclude(scenario, facts, journal.phases, { environment: environment.name, vm })
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
