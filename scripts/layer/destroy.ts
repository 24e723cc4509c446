#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { chosenLayers, layerDestroyed } from '../../lib/phases/layer.ts'
import { verb } from '../../lib/phases/operation.ts'
import { doctor } from '../../lib/phases/readiness.ts'

export default verb({
  name: 'layer:destroy',
  summary: 'Destroy the layers named, last one first; never one on which an applied layer stands.',
  destructive: true,

  define: command => command.argument('<layers...>', 'e.g. 02-argocd-app'),

  phases: (operation, { args }) => [doctor(), ...chosenLayers(args, operation, 'destroy').map(layerDestroyed)],
})
