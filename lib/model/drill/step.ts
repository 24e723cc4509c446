import type { PhaseRecord } from '../../runtime/journal.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import type { SnapshotWanted } from './snapshot.ts'

/** What a step's time counts as. Everything from `disrupt` to `verify` is recovery time. */
export type Stage = 'prepare' | 'disrupt' | 'detect' | 'decide' | 'restore' | 'verify' | 'judge'

/** Everything that a drill is judged by. */
export interface Evidence {
  facts: Facts
  records: readonly PhaseRecord[]
  wanted: Omit<SnapshotWanted, 'layer'>
}

/** One step of a scenario, without the work that it does. */
export interface Step {
  /** Stable: journals refer to it. */
  id: string
  stage: Stage
  title: string
  /** What the step has proven; a step without a judge proves nothing by itself. */
  judge?: Judge
}

export type Judge = (evidence: Evidence, step: Pick<Step, 'id' | 'title'>) => Check[]

export interface Scenario {
  name: string
  title: string
  steps: readonly Step[]
}
