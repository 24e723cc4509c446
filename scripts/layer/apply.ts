#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/operation/verb.ts'
import { layerApplied } from '../../lib/phases/layer/applied.ts'
import { chosenLayers } from '../../lib/phases/layer/choice.ts'
import { stateBucket } from '../../lib/phases/layer/state-bucket.ts'
import { doctor } from '../../lib/phases/operator/doctor.ts'

export default verb({
  name: 'layer:apply',
  summary: 'Apply the layers, in the order of their numbers.',

  define: command => command.argument('[layers...]', 'e.g. 01-k8s; all of them without'),

  phases: (context, { args }) => [doctor(), stateBucket(), ...chosenLayers(args, context).map(layerApplied)],
})
