#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { environmentScript } from '../../lib/command-line/environment.ts'
import { layerArgument } from '../../lib/command-line/options.ts'

export default environmentScript({
  name: 'layer:plan',
  summary: 'Show what applying the layers would change. Exit code 8 when something would.',

  define: command => command.addArgument(layerArgument('[layers...]', 'e.g. 01-k8s; all of them if none is named')),

  async run(context, { args }) {
    const { describePlan } = await import('../../lib/operation/verb.ts')
    const { layerPlanned } = await import('../../lib/phases/layer/applied.ts')
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { together } = await import('../../lib/runtime/phases.ts')

    const layers = chosenLayers(args, context)
    return describePlan(together(layers.map(layer => layerPlanned(layer))), context)
  },
})
