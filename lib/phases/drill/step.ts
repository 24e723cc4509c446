import type { Conclusion } from '../../model/drill/conclusion.ts'
import type { Facts } from '../../model/drill/facts.ts'
import type { Scenario, Step } from '../../model/drill/step.ts'
import type { Context } from '../../operation/context.ts'
import type { ExitCode } from '../../runtime/errors.ts'
import type { Journal } from '../../runtime/journal.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import type { Announcement } from '../layer/announcement.ts'

/** A drill in progress: its scenario, and what it knows. */
export interface Drill {
  scenario: DrillScenario
  /** Whether an earlier run began it. */
  resumed: boolean
  journal: Journal
  facts: Facts
  /** What the operator has agreed to have destroyed. */
  announcement: Announcement
  /** How long everything may take to be healthy at the end, in milliseconds. */
  within: number
  remember<K extends keyof Facts>(name: K, value: Facts[K]): Promise<void>
  /** Judges the drill by what is known, and records the conclusion. */
  conclude(): Promise<Conclusion>
  /** Ends this process's attempt. */
  end(exitCode: ExitCode): Promise<void>
}

/** How a step is done: a phase without its id and title. */
export type Work = Pick<Phase<Context>, 'check' | 'run'>

export interface DrillStep extends Step {
  work(drill: Drill): Work
}

export interface DrillScenario extends Scenario {
  steps: readonly DrillStep[]
}

/** Work that is done every time. */
export const alwaysDone = (change: string, run: (context: Context) => Promise<Json>): Work => ({
  check: async () => ({ state: 'todo', changes: [change] }),
  run,
})
