#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/operation/verb.ts'
import { layerApplied } from '../../lib/phases/layer/applied.ts'
import { chosenLayers } from '../../lib/phases/layer/choice.ts'
import { destructionJudged } from '../../lib/phases/layer/judged.ts'
import { type ApplyOptions, type ApplyPolicy, applyOptions, applyPolicy } from '../../lib/phases/layer/policy.ts'
import { layersRecorded } from '../../lib/phases/layer/recorded.ts'
import { stateBucket } from '../../lib/phases/layer/state-bucket.ts'
import { doctor } from '../../lib/phases/operator/doctor.ts'

export default verb<ApplyOptions, ApplyPolicy>({
  name: 'layer:apply',
  summary: 'Apply the layers, in the order of their numbers.',

  define: command => applyOptions(command).argument('[layers...]', 'e.g. 01-k8s; all of them if none is named'),

  subject: (_context, { options }) => applyPolicy(options),

  phases(context, { args }, policy) {
    const layers = chosenLayers(args, context)
    return [
      doctor(),
      stateBucket(),
      destructionJudged(layers, policy),
      ...layers.map(layer => layerApplied(layer, policy)),
      layersRecorded(layers),
    ]
  },
})
