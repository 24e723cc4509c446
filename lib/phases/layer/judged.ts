import type { Destruction } from '../../model/layer/destruction.ts'
import { layersBelow, needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import { vmOf } from '../../operation/vm-status.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import { checkPhase, type Phase } from '../../runtime/phases.ts'
import { type Judged, warnOfUnmatched } from './guard.ts'
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
        const verdict = await judgedNow(layer, policy, context)
        if (!verdict) break
        if (verdict.refusal) return { state: 'refused', refusal: verdict.refusal }
        permitted.push(...verdict.permitted)
        judged.push(layer)
      }
      if (judged.length === layers.length) warnOfUnmatched(policy.allow, permitted, context)
      const later = layers.filter(layer => !judged.includes(layer))
      return { state: 'done', evidence: { judged, later, permitted: permitted.map(({ address }) => address) } }
    },
  })

/** What becomes of the layer's plan, or undefined where that can only be said later: layers below are missing, or the cluster is out of reach. */
async function judgedNow(layer: string, policy: ApplyPolicy, context: JudgedContext): Promise<Judged | undefined> {
  const { terraform, log } = context
  const below = layersBelow(layer, terraform.layers)
  const states = await Promise.all(below.map(other => terraform.state(other)))
  if (states.some(({ applied }) => !applied)) return undefined
  const judge = async () => policy.judge(await policy.plan(layer, context), context)
  if (!needsCluster(layer, terraform.layers)) return judge()
  try {
    if ((await vmOf(context)).status !== 'RUNNING') return undefined
    await context.tunnel()
    // A plan that only creates needs no cluster, but looking for what it would create does: k0s may not be there yet.
    return await judge()
  } catch (error) {
    if (!(error instanceof OpsError) || error.code === exitCodes.interrupted || error.code === exitCodes.configuration)
      throw error
    log.debug(`${layer} can only be judged later: ${error.message}`)
    return undefined
  }
}
