import type { PhaseRecord } from '../../runtime/journal.ts'
import type { Facts } from './facts.ts'
import type { SnapshotWanted } from './snapshot.ts'

/** What a step's time counts as. Everything from `disrupt` to `verify` is time to recover. */
export type Stage = 'prepare' | 'disrupt' | 'detect' | 'decide' | 'restore' | 'verify' | 'judge'

export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One thing on which the verdict rests. */
export interface Check {
  id: string
  title: string
  outcome: Verdict
  /** What was seen, for people. */
  says: string
}

/** All that a drill is judged by. */
export interface Evidence {
  facts: Facts
  records: readonly PhaseRecord[]
  wanted: Omit<SnapshotWanted, 'layer'>
}

/** What one step of a scenario is, apart from how it is done. */
export interface Step {
  /** Stable: journals refer to it. */
  id: string
  stage: Stage
  title: string
  /** What the step has shown; one without a judge shows nothing by itself. */
  judge?: Judge
}

export type Judge = (evidence: Evidence, step: Pick<Step, 'id' | 'title'>) => Check[]

export interface Scenario {
  name: string
  title: string
  steps: readonly Step[]
}

/** A step that was skipped, or never reached, has shown nothing. */
export const NOT_REACHED = 'not reached'

/** A check of a step. @param part of it, and its title, where a step has several */
export const check = (
  { id, title }: Pick<Step, 'id' | 'title'>,
  outcome: Verdict,
  says: string,
  part: { id?: string; title?: string } = {},
): Check => ({ id: part.id === undefined ? id : `${id}/${part.id}`, title: part.title ?? title, outcome, says })
