#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { environmentScript } from '../lib/command-line/environment.ts'
import { consentOptions, type VerbOptions } from '../lib/command-line/options.ts'
import { valued } from '../lib/command-line/values.ts'
import type { Drill } from '../lib/phases/drill/step.ts'
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
      .addOption(valued('scenario', new Option('--scenario <name>', 'what to rehearse').default('layer-rebuild')))
      .option(
        '--deadline <duration>',
        "how long everything may take to be healthy at the end (90s, 10m); by default the environment's verify.deadline",
      )
      .option('--abort', 'abort the unfinished drill: rebuild the system and verify it')
      .option('--dry-run', 'say what would be done, change nothing; exit code 8'),

  async run(context, run) {
    const { describePlan } = await import('../lib/operation/verb.ts')
    const { chosenScenario, openDrill, plannedDrill } = await import('../lib/phases/drill/drill.ts')
    const { abortPhases, drillPhases } = await import('../lib/phases/drill/phases.ts')
    const { runDrill } = await import('../lib/phases/drill/run.ts')
    const { announce } = await import('../lib/phases/layer/announcement.ts')
    const { chosenLayers } = await import('../lib/phases/layer/choice.ts')

    const { abort = false, dryRun, deadline } = run.options
    if (context.terraform.layers.length < 2)
      throw precondition('a drill rebuilds the layers above the base layer, and there are none', 'add one to terraform.layers')
    const request = {
      scenario: chosenScenario(run.options.scenario, context),
      announcement: { layers: chosenLayers([], context, 'destroy').slice(0, -1), guard: 'drills' as const },
      within: deadline === undefined ? context.environment.verify.deadline : durationOption('--deadline', deadline),
    }
    const phasesOf = (drill: Drill) => (abort ? abortPhases(drill, context) : drillPhases(drill))

    if (dryRun) return describePlan(phasesOf(await plannedDrill(request, context, { abort })), context)
    if (!abort) await announce(request.announcement, context)
    const drill = await openDrill(request, context, run, { abort })
    return runDrill(phasesOf(drill), drill, context)
  },
})
