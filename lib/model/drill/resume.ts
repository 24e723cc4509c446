import type { Journal } from '../../runtime/journal.ts'
import type { Facts } from './facts.ts'
import type { Scenario } from './step.ts'
import { disruptedAt } from './times.ts'

/**
 * What to do with the newest drill's journal: `resume` one that has destroyed something and was not concluded, `close` one that
 * ended before that, because its steady state is out of date; undefined where nothing is unfinished.
 * @param scenario of the journal, if it is known
 */
export function unfinished(journal: Journal | undefined, scenario: Scenario | undefined): 'resume' | 'close' | undefined {
  const facts = journal?.facts as Facts | undefined
  if (!facts?.drill || !scenario || facts.conclusion) return undefined
  return disruptedAt(scenario, facts.begun) === undefined ? 'close' : 'resume'
}
