#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { type ApplyOptions, applyOptions, layerArgument } from '../../lib/command-line/options.ts'
import { verb } from '../../lib/command-line/verb.ts'

export default verb<ApplyOptions>({
  name: 'layer:apply',
  summary: 'Apply the layers, in the order in which they are listed.',

  define: command =>
    applyOptions(command).addArgument(layerArgument('[layers...]', 'e.g. 01-k8s; all of them if none is named')),

  async work(context, { options, args }) {
    const { layerApplied } = await import('../../lib/phases/layer/applied.ts')
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { destructionJudged } = await import('../../lib/phases/layer/judged.ts')
    const { applyPolicy } = await import('../../lib/phases/layer/policy.ts')
    const { layersRecorded } = await import('../../lib/phases/layer/recorded.ts')
    const { stateBucket } = await import('../../lib/phases/layer/state-bucket.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')

    const policy = applyPolicy(options)
    const layers = chosenLayers(args, context)
    return {
      phases: [
        doctor(),
        stateBucket(),
        destructionJudged(layers, policy),
        ...layers.map(layer => layerApplied(layer, policy)),
        layersRecorded(layers),
      ],
    }
  },
})
