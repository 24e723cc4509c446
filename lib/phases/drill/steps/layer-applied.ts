import { judgeDone } from '../../../model/drill/judge/done.ts'
import { layerApplied as phase } from '../../layer/applied.ts'
import type { DrillStep } from '../step.ts'

/** A layer is rebuilt. */
export const layerApplied = (layer: string): DrillStep => ({
  stage: 'restore',
  id: `${layer}/applied`,
  title: `${layer} applied`,
  judge: judgeDone,
  work: () => phase(layer),
})
