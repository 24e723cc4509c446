#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { chosenLayers, layer } from '../../lib/phases/layer.ts'
import { verb } from '../../lib/phases/operation.ts'
import { doctor, stateBucket } from '../../lib/phases/readiness.ts'

export default verb({
  name: 'layer:apply',
  summary: 'Apply the layers, in the order of their numbers.',

  define: command => command.argument('[layers...]', 'e.g. 01-k8s; all of them without'),

  phases: (operation, { args }) => [doctor(), stateBucket(), ...chosenLayers(args, operation).map(layer)],
})
