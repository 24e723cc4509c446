import type { Facts } from '../../model/drill/facts.ts'
import { usage } from '../../runtime/errors.ts'
import type { Journal } from '../../runtime/journal.ts'
import { layerRebuild } from './scenarios/layer-rebuild.ts'
import type { DrillScenario } from './step.ts'

/** What can be rehearsed. */
const scenarios: Record<string, (layers: readonly string[], snapshotsAfter: readonly string[]) => DrillScenario> = {
  'layer-rebuild': layerRebuild,
}

export const scenarioNames = Object.keys(scenarios)

/** @throws OpsError 2 for a name that is none */
export function scenarioNamed(name: string, layers: readonly string[], snapshotsAfter: readonly string[]): DrillScenario {
  const scenario = scenarios[name]
  if (!scenario) throw usage(`there is no scenario "${name}"`, `one of: ${scenarioNames.join(', ')}`)
  return scenario(layers, snapshotsAfter)
}

/** What a journal's drill was to do, whatever the environment's layers are by now; undefined where it is not known any more. */
export function scenarioOf(journal: Pick<Journal, 'facts'> | undefined): DrillScenario | undefined {
  const { drill } = (journal?.facts ?? {}) as Facts
  return drill?.layers && scenarios[drill.scenario]?.(drill.layers, drill.snapshotsAfter)
}
