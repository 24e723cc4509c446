#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { consentOptions } from '../lib/operation/consent.ts'
import { environmentScript } from '../lib/operation/script.ts'
import { describePlan, type VerbOptions } from '../lib/operation/verb.ts'
import { chosenScenario, openDrill, plannedDrill } from '../lib/phases/drill/drill.ts'
import { abortPhases, drillPhases } from '../lib/phases/drill/phases.ts'
import { runDrill } from '../lib/phases/drill/run.ts'
import { announce } from '../lib/phases/layer/announcement.ts'
import { chosenLayers } from '../lib/phases/layer/choice.ts'
import { durationOption } from '../lib/runtime/duration.ts'
import { precondition } from '../lib/runtime/errors.ts'

interface DrillOptions extends VerbOptions {
  scenario: string
  deadline?: string
  abort?: boolean
}

export default environmentScript<DrillOptions>({
  name: 'dr-drill',
  summary: 'Rehearse a disaster: destroy, rebuild, and say how long it took and what was lost. 0 pass, 6 fail, 7 inconclusive.',

  define: command =>
    consentOptions(command)
      .option('--scenario <name>', 'what to rehearse', 'layer-rebuild')
      .option(
        '--deadline <duration>',
        "how long everything may take to be healthy at the end (90s, 10m); by default the environment's verify.deadline",
      )
      .option('--abort', 'abort the unfinished drill: rebuild the system and verify it')
      .option('--dry-run', 'say what would be done, change nothing; exit code 8'),

  async run(context, run) {
    const { abort = false, dryRun, deadline } = run.options
    if (context.terraform.layers.length < 2)
      throw precondition('a drill rebuilds the layers above the base layer, and there are none', 'add one to terraform.layers')
    const request = {
      scenario: chosenScenario(run.options.scenario, context),
      announcement: { layers: chosenLayers([], context, 'destroy').slice(0, -1), guard: 'drills' as const },
      within: deadline === undefined ? context.environment.verify.deadline : durationOption('--deadline', deadline),
    }
    const phasesOf = (drill: Parameters<typeof drillPhases>[0]) => (abort ? abortPhases(drill, context) : drillPhases(drill))

    if (dryRun) return describePlan(phasesOf(await plannedDrill(request, context)), context)
    if (!abort) await announce(request.announcement, context)
    const drill = await openDrill(request, context, run, { abort })
    return runDrill(phasesOf(drill), drill, context, { abort })
  },
})
