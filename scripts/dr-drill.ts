#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { parseDuration } from '../lib/config/schema.ts'
import { chosenScenario, openDrill, plannedDrill } from '../lib/phases/drill/drill.ts'
import { runDrill } from '../lib/phases/drill/run.ts'
import { abortPhases, drillPhases } from '../lib/phases/drill/steps.ts'
import { describePlan, environmentScript, type Operation, permitted } from '../lib/phases/operation.ts'
import { usage } from '../lib/runtime/errors.ts'

interface DrillOptions {
  scenario: string
  deadline?: string
  abort?: boolean
}

export default environmentScript<DrillOptions>({
  name: 'dr-drill',
  summary: 'Rehearse a disaster: destroy, rebuild, and say how long it took and what was lost. 0 pass, 6 fail, 7 inconclusive.',

  define: command =>
    command
      .option('--scenario <name>', 'what to rehearse', 'layer-rebuild')
      .option('--deadline <duration>', "for everything to be healthy at the end (90s, 10m); else the environment's")
      .option('--abort', 'give the unfinished drill up and bring the system back to verified')
      .option('--dry-run', 'say what would be done, change nothing; exit code 8')
      .option('--yes', 'do not ask')
      .option('--confirm <env>', "the environment's name, typed"),

  async run(operation, run) {
    const { abort = false, dryRun, deadline } = run.options
    const scenario = chosenScenario(run.options.scenario)
    const within = deadline === undefined ? operation.environment.verify.deadline : milliseconds(deadline)
    const phasesOf = (drill: Parameters<typeof drillPhases>[0], using: Operation) =>
      abort ? abortPhases(drill, using) : drillPhases(drill, within)

    if (dryRun) return describePlan(phasesOf(await plannedDrill(scenario, operation), operation), operation)
    if (!abort) await permitted('dr-drill', 'drills', operation, run.options)
    const drill = await openDrill(scenario, operation, run, { abort })
    return runDrill(phasesOf(drill, operation), drill, operation, { abort })
  },
})

function milliseconds(text: string): number {
  const within = parseDuration(text)
  if (within === undefined) throw usage(`--deadline: "${text}" is no duration`, 'write e.g. 90s, 10m, 2h')
  return within
}
