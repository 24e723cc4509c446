import { needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import type { Plan } from '../../terraform/terraform.ts'
import { type ApplyContext, applyPlan } from './apply.ts'
import { judgePlan } from './guard.ts'
import { describeChanges, onlyAfterCheck } from './plan.ts'
import { type ApplyPolicy, applyPolicy, permissionsOf } from './policy.ts'

type LayerContext = ApplyContext & Pick<Context, 'tunnel' | 'disconnect' | 'changes'>

/** Applies one layer. What its check planned and judged is what its run applies. */
export function layerApplied(name: string, policy: ApplyPolicy = applyPolicy()): Phase<LayerContext> {
  let plan: Plan | undefined
  return {
    id: `layer/${name}`,
    title: `Layer ${name}`,

    async check(context) {
      const needs = await missingBelow(name, context)
      if (needs !== undefined) return { state: 'unknown', needs }
      if (needsCluster(name, context.terraform.layers)) await context.tunnel()
      plan = await policy.plan(name, context)
      if (plan.empty) {
        const { serial, resources } = await context.terraform.state(name)
        return { state: 'done', evidence: { serial, resources } }
      }
      const { refusal } = await judgePlan(plan, permissionsOf(policy, context), context)
      return refusal ? { state: 'refused', refusal } : { state: 'todo', changes: describeChanges(plan, context.now()) }
    },

    async run(context) {
      const { terraform, disconnect } = context
      const planned = onlyAfterCheck(plan)
      await applyPlan(planned, policy, context)
      // The VM may be another one now, at another address.
      if (!needsCluster(name, terraform.layers)) await disconnect()
      const { serial, resources } = await terraform.state(name)
      return { serial, resources, changes: planned.changes as unknown as Json }
    },
  }
}

const missingBelow = async (name: string, { terraform }: Pick<Context, 'terraform'>): Promise<string | undefined> => {
  for (const below of terraform.layers.filter(other => other < name)) {
    if (!(await terraform.state(below)).applied) return `layer ${below} to be applied`
  }
  return undefined
}
