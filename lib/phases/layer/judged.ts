import type { Destruction } from '../../model/layer/destruction.ts'
import { layersBelow, needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import { vmOf } from '../../operation/vm-status.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import { checkPhase, type Phase, withProgress } from '../../runtime/phases.ts'
import { shareProgress } from '../../runtime/progress.ts'
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
      const verdicts = await begunVerdicts(layers, policy, context)
      for (const [layer, judging] of verdicts) {
        const verdict = await judging
        if (!verdict) {
          // Nothing goes on beside what is applied next.
          await Promise.allSettled(verdicts.values())
          break
        }
        if (verdict.refusal) return { state: 'refused', refusal: verdict.refusal }
        permitted.push(...verdict.permitted)
        judged.push(layer)
      }
      if (judged.length === layers.length) warnOfUnmatched(policy.allow, permitted, context)
      const later = layers.filter(layer => !judged.includes(layer))
      return { state: 'done', evidence: { judged, later, permitted: permitted.map(({ address }) => address) } }
    },
  })

type Verdict = Promise<Judged | undefined>

/**
 * Begins to judge the layers' plans, which are made at the same time. Of each what becomes of it, or undefined where that can only be said
 * later: layers below are missing, or the cluster is out of reach.
 */
async function begunVerdicts(
  layers: readonly string[],
  policy: ApplyPolicy,
  context: JudgedContext,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>()
  const { run } = shareProgress(line => context.progress(line))
  for (const layer of layers) {
    const reached = isWithinReach(layer, context)
    const { promise: underway, resolve: onUnderway } = Promise.withResolvers<void>()
    const judge = async () => {
      if (!(await reached)) return undefined
      return run(layer, async progress =>
        policy.judge(await policy.plan(layer, withProgress(context, progress), { onUnderway }), context),
      )
    }
    const verdict = needsCluster(layer, context.terraform.layers) ? judge().catch(orLater(layer, context)) : judge()
    // It is told in its turn.
    verdict.catch(() => undefined)
    verdicts.set(layer, verdict)
    if (!(await reached.catch(() => false))) break
    // Opening Google's client stops everything else here for a second: Terraform should not have to wait for its state meanwhile.
    await Promise.race([underway, verdict.catch(() => undefined)])
  }
  return verdicts
}

/** Whether a layer can be planned by now. */
async function isWithinReach(layer: string, context: JudgedContext): Promise<boolean> {
  const { terraform } = context
  const states = await Promise.all(layersBelow(layer, terraform.layers).map(other => terraform.state(other)))
  if (states.some(({ applied }) => !applied)) return false
  if (!needsCluster(layer, terraform.layers)) return true
  if ((await vmOf(context)).status !== 'RUNNING') return false
  await context.tunnel()
  return true
}

/** A plan that only creates needs no cluster, but looking for what it would create does: k0s may not be there yet. */
const orLater =
  (layer: string, { log }: Pick<JudgedContext, 'log'>) =>
  (error: unknown): undefined => {
    if (!(error instanceof OpsError) || error.code === exitCodes.interrupted || error.code === exitCodes.configuration)
      throw error
    log.debug(`${layer} can only be judged later: ${error.message}`)
    return undefined
  }
