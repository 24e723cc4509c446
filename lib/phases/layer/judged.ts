import type { Destruction } from '../../model/layer/destruction.ts'
import { layersBelow, needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import { vmOf } from '../../operation/vm-status.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import { checkPhase, type Phase } from '../../runtime/phases.ts'
import { warnOfUnmatched } from './guard.ts'
import type { ApplyPolicy, JudgeContext } from './policy.ts'

type JudgedContext = JudgeContext & Pick<Context, 'terraform' | 'progress' | 'changes' | 'tunnel' | 'output' | 'baseLayer'>

/**
 * No layer's plan destroys anything that was not asked for: judged before the first layer is applied, for each layer that can be
 * planned by then. The others are judged when it is their turn.
 */
export const destructionJudged = (layers: readonly string[], policy: ApplyPolicy): Phase<JudgedContext> =>
  checkPhase({
    id: 'layers/judged',
    title: 'Plans destroy nothing unasked',

    async check(context) {
      const permitted: Destruction[] = []
      const judged: string[] = []
      for (const layer of layers) {
        const plan = await planNow(layer, policy, context)
        if (!plan) break
        const verdict = await policy.judge(plan, context)
        if (verdict.refusal) return { state: 'refused', refusal: verdict.refusal }
        permitted.push(...verdict.permitted)
        judged.push(layer)
      }
      if (judged.length === layers.length) warnOfUnmatched(policy.allow, permitted, context)
      const later = layers.filter(layer => !judged.includes(layer))
      return { state: 'done', evidence: { judged, later, permitted: permitted.map(({ address }) => address) } }
    },
  })

/** The layer's plan, or undefined where it can only be made later: layers below are missing, or the cluster is out of reach. */
async function planNow(layer: string, policy: ApplyPolicy, context: JudgedContext) {
  const { terraform, log } = context
  const below = layersBelow(layer, terraform.layers)
  const states = await Promise.all(below.map(other => terraform.state(other)))
  if (states.some(({ applied }) => !applied)) return undefined
  if (!needsCluster(layer, terraform.layers)) return policy.plan(layer, context)
  if ((await vmOf(context)).status !== 'RUNNING') return undefined
  try {
    await context.tunnel()
    return await policy.plan(layer, context)
  } catch (error) {
    if (!(error instanceof OpsError) || error.code === exitCodes.interrupted || error.code === exitCodes.configuration)
      throw error
    log.debug(`${layer} can only be planned later: ${error.message}`)
    return undefined
  }
}
