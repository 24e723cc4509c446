import { needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import type { Plan } from '../../terraform/terraform.ts'
import { type AdoptionContext, applyWithAdoption } from './adoption.ts'
import { describeChanges, onlyAfterCheck, planLayer } from './plan.ts'

type ApplyContext = AdoptionContext & Pick<Context, 'tunnel' | 'disconnect'>

/** Applies one layer. What its check planned is what its run applies. */
export function layerApplied(name: string): Phase<ApplyContext> {
  let plan: Plan | undefined
  return {
    id: `layer/${name}`,
    title: `Layer ${name}`,

    async check(context) {
      const needs = await missingBelow(name, context)
      if (needs !== undefined) return { state: 'unknown', needs }
      if (needsCluster(name, context.terraform.layers)) await context.tunnel()
      plan = await planLayer(name, context)
      if (!plan.empty) return { state: 'todo', changes: describeChanges(plan) }
      const { serial, resources } = await context.terraform.state(name)
      return { state: 'done', evidence: { serial, resources } }
    },

    async run(context) {
      const { terraform, disconnect } = context
      const planned = onlyAfterCheck(plan)
      await applyWithAdoption(planned, context)
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
