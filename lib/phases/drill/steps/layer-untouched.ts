import { judgeUntouched } from '../../../model/drill/judge/untouched.ts'
import type { Comparison } from '../../../model/drill/proof.ts'
import type { Stage } from '../../../model/drill/step.ts'
import type { Context } from '../../../operation/context.ts'
import { messageOf } from '../../../runtime/errors.ts'
import type { Json } from '../../../runtime/json.ts'
import { planLayer } from '../../layer/plan.ts'
import { takeProof } from '../proof.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** A layer's state compared with its proof, and planned. */
export const layerUntouched = (layer: string, when: { stage: Stage; id: string; title: string; moment: string }): DrillStep => {
  const { stage, title, moment } = when
  const id = `${layer}/${when.id}`
  return {
    stage,
    id,
    title: `${layer} ${title}`,
    judge: judgeUntouched(layer, moment),
    work: ({ facts, remember }) =>
      alwaysDone(`compare ${layer} with its proof, and plan it`, async context => {
        const comparison = await compare(layer, moment, context)
        await remember('comparisons', { ...facts.comparisons, [id]: comparison })
        return comparison as unknown as Json
      }),
  }
}

/** The layer's proof once more, and whether its plan is empty. */
async function compare(layer: string, moment: string, context: Context): Promise<Comparison> {
  // Before the plan: what is compared is what the drill has left, not what a plan might have done to it.
  const proof = (await takeProof(layer, context)) ?? null
  const at = context.now().toISOString()
  try {
    const { empty, changes, drift } = await planLayer(layer, context)
    return { layer, moment, at, proof, plan: { empty, changes: changes.length > 0 ? changes : drift } }
  } catch (error) {
    if (context.signal.aborted) throw error
    return { layer, moment, at, proof, plan: null, planError: messageOf(error) }
  }
}
