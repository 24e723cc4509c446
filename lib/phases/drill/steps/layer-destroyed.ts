import { judgeDone } from '../../../model/drill/judge/done.ts'
import { layerDestroyed as phase } from '../../layer/destroyed.ts'
import type { DrillStep } from '../step.ts'

/** The disaster: a layer is destroyed. */
export const layerDestroyed = (layer: string): DrillStep => ({
  stage: 'disrupt',
  id: `${layer}/destroyed`,
  title: `${layer} destroyed`,
  judge: judgeDone,
  work: ({ announcement }) => phase(layer, announcement),
})
