import type { Journal } from '../../runtime/journal.ts'
import type { Facts } from './facts.ts'
import type { Scenario } from './step.ts'
import { disruptedAt } from './times.ts'

/** Another run, as its journal names it. */
export type OtherRun = Pick<Journal, 'id' | 'verb' | 'operator'>

/**
 * What to do with the newest drill's journal: `resume` one that has destroyed something and was not concluded; `abort` one whose abort has
 * begun, or that others have worked on the system after: what it would find now, and how long that took, is not its own doing; `close` one
 * that ended before it destroyed anything, because its steady state is out of date; undefined where nothing is unfinished.
 * @param scenario of the journal, if it is known
 * @param others see `runsSince`
 */
export function unfinished(
  journal: Journal | undefined,
  scenario: Scenario | undefined,
  others: readonly OtherRun[] = [],
): 'resume' | 'abort' | 'close' | undefined {
  const facts = journal?.facts as Facts | undefined
  if (!facts?.drill || !scenario || facts.conclusion) return undefined
  if (disruptedAt(scenario, facts.begun) === undefined) return 'close'
  return facts.aborted || others.length > 0 ? 'abort' : 'resume'
}

/**
 * The runs that have made something in the environment since a drill began. Told by their ids and not by any clock: two machines' may be
 * minutes apart.
 * @param published all that there are
 */
export function runsSince({ id, facts }: Pick<Journal, 'id' | 'facts'>, published: readonly OtherRun[]): OtherRun[] {
  const { runs } = facts as Facts
  return runs === undefined ? [] : published.filter(run => run.id !== id && !runs.includes(run.id))
}
