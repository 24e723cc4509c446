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

/** @throws OpsError 2 for an unknown name */
export function scenarioNamed(name: string, layers: readonly string[], snapshotsAfter: readonly string[]): DrillScenario {
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined
  if (!scenario) throw usage(`there is no scenario "${name}"`, `one of: ${scenarioNames.join(', ')}`)
  return scenario(layers, snapshotsAfter)
}

/** The scenario of a journal's drill, whatever the environment's layers are by now; undefined where it no longer exists. */
export function scenarioOf(journal: Pick<Journal, 'facts'> | undefined): DrillScenario | undefined {
  const { drill } = (journal?.facts ?? {}) as Facts
  const scenario = drill && Object.hasOwn(scenarios, drill.scenario) ? scenarios[drill.scenario] : undefined
  return drill && scenario?.(drill.layers, drill.snapshotsAfter)
}
