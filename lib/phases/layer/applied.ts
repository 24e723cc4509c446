import { layersBelow, needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase, PhaseState } from '../../runtime/phases.ts'
import type { Plan } from '../../terraform/terraform.ts'
import { type ApplyContext, applyPlan } from './apply.ts'
import { describeChanges, onlyAfterCheck } from './plan.ts'
import { type ApplyPolicy, applyPolicy } from './policy.ts'

type LayerContext = ApplyContext & Pick<Context, 'tunnel' | 'disconnect' | 'changes'>

/** Applies one layer. What its check planned and judged is what its run applies. */
export function layerApplied(name: string, policy: ApplyPolicy = applyPolicy()): Phase<LayerContext> {
  let plan: Plan | undefined
  return {
    ...named(name),

    async check(context) {
      const found = await planned(name, policy, context)
      if (!('changes' in found)) return found
      plan = found
      const { refusal } = await policy.judge(plan, context)
      return refusal ? { state: 'refused', refusal } : { state: 'todo', changes: describeChanges(plan) }
    },

    async run(context) {
      const { terraform, disconnect } = context
      const { changes } = onlyAfterCheck(plan)
      await applyPlan(onlyAfterCheck(plan), policy, context)
      // The VM may be another one now, at another address.
      if (!needsCluster(name, terraform.layers)) await disconnect()
      const { serial, resources } = await terraform.state(name)
      return { serial, resources, changes: changes as unknown as Json }
    },
  }
}

/** What applying a layer would change, destructions included: nothing judges them, since nothing is applied. */
export const layerPlanned = (name: string, policy: ApplyPolicy = applyPolicy()): Phase<LayerContext> => ({
  ...named(name),

  async check(context) {
    const found = await planned(name, policy, context)
    return 'changes' in found ? { state: 'todo', changes: describeChanges(found) } : found
  },

  async run() {
    throw new Error('what is only planned is not applied')
  },
})

const named = (name: string) => ({ id: `layer/${name}`, title: `Layer ${name}` })

/** The layer's plan, if it would change anything; else why there is none. */
async function planned(
  name: string,
  policy: ApplyPolicy,
  context: Pick<LayerContext, 'terraform' | 'tunnel' | 'progress' | 'changes'>,
): Promise<Plan | Extract<PhaseState, { state: 'done' | 'unknown' }>> {
  const needs = await missingBelow(name, context)
  if (needs !== undefined) return { state: 'unknown', needs }
  if (needsCluster(name, context.terraform.layers)) await context.tunnel()
  const plan = await policy.plan(name, context)
  if (!plan.empty) return plan
  const { serial, resources } = await context.terraform.state(name)
  return { state: 'done', evidence: { serial, resources } }
}

const missingBelow = async (name: string, { terraform }: Pick<Context, 'terraform'>): Promise<string | undefined> => {
  for (const below of layersBelow(name, terraform.layers)) {
    if (!(await terraform.state(below)).applied) return `layer ${below} to be applied`
  }
  return undefined
}
