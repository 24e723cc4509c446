import type { Journal } from '../../runtime/journal.ts'
import type { Facts } from './facts.ts'
import type { Scenario } from './step.ts'
import { disruptedAt } from './times.ts'

/**
 * What is to become of the newest drill's journal: `resume` one that has destroyed something and was not concluded, `close` one
 * that ended before that, for its steady state is long past; undefined where there is nothing to go on with.
 * @param scenario of the journal, if it is known
 */
export function unfinished(journal: Journal | undefined, scenario: Scenario | undefined): 'resume' | 'close' | undefined {
  const facts = journal?.facts as Facts | undefined
  if (!facts?.drill || !scenario || facts.conclusion) return undefined
  return disruptedAt(scenario, facts.begun) === undefined ? 'close' : 'resume'
}
