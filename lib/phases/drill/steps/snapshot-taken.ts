import { judgeDone } from '../../../model/drill/judge/done.ts'
import { snapshotTaken as phase } from '../../snapshot/taken.ts'
import type { DrillStep } from '../step.ts'

/** The VM's disk is snapshotted after a layer. */
export const snapshotTaken = (layer: string): DrillStep => ({
  stage: 'restore',
  id: `${layer}/snapshot`,
  title: `VM snapshotted after ${layer}`,
  judge: judgeDone,
  work: () => phase(layer),
})
