#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { chosenLayers, layer } from '../../lib/phases/layer.ts'
import { describePlan, environmentScript } from '../../lib/phases/operation.ts'

export default environmentScript({
  name: 'layer:plan',
  summary: 'Show what applying the layers would change. Exit code 8 when something would.',

  define: command => command.argument('[layers...]', 'e.g. 01-k8s; all of them without'),

  run: (operation, { args }) => describePlan(chosenLayers(args, operation).map(layer), operation),
})
