#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { environmentScript } from '../../lib/operation/script.ts'
import { describePlan } from '../../lib/operation/verb.ts'
import { layerPlanned } from '../../lib/phases/layer/applied.ts'
import { chosenLayers } from '../../lib/phases/layer/choice.ts'

export default environmentScript({
  name: 'layer:plan',
  summary: 'Show what applying the layers would change. Exit code 8 when something would.',

  define: command => command.argument('[layers...]', 'e.g. 01-k8s; all of them if none is named'),

  run: (context, { args }) =>
    describePlan(
      chosenLayers(args, context).map(layer => layerPlanned(layer)),
      context,
    ),
})
