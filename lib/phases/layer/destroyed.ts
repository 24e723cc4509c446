import { needsCluster } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase, PhaseState } from '../../runtime/phases.ts'
import type { Plan } from '../../terraform/terraform.ts'
import type { Announcement } from './announcement.ts'
import { describeChanges, onlyAfterCheck, type PlanContext, planLayer } from './plan.ts'

type DestroyContext = PlanContext & Pick<Context, 'tunnel' | 'disconnect'>

/** Destroys one layer and nothing else. */
export function layerDestroyed(name: string, _announcement: Announcement): Phase<DestroyContext> {
  let plan: Plan | undefined
  return {
    id: `layer/${name}/destroyed`,
    title: `Destroy layer ${name}`,

    async check(context): Promise<PhaseState> {
      const { terraform } = context
      const { applied, serial } = await terraform.state(name)
      if (!applied) return { state: 'done', evidence: { serial } }
      const above = await appliedAbove(name, context)
      if (above !== undefined) return { state: 'unknown', needs: `${above} to be destroyed first` }
      if (needsCluster(name, terraform.layers)) await context.tunnel()
      plan = await planLayer(name, context, { destroy: true })
      return { state: 'todo', changes: describeChanges(plan) }
    },

    async run({ terraform, progress, disconnect }) {
      const planned = onlyAfterCheck(plan)
      // The VM is about to go: what is connected to it would only hang.
      if (!needsCluster(name, terraform.layers)) await disconnect()
      await terraform.apply(planned, progress)
      const { serial } = await terraform.state(name)
      return { serial, destroyed: planned.changes.map(({ address }) => address) }
    },
  }
}

const appliedAbove = async (name: string, { terraform }: Pick<Context, 'terraform'>): Promise<string | undefined> => {
  for (const above of terraform.layers.filter(other => other > name)) {
    if ((await terraform.state(above)).applied) return `layer ${above}`
  }
  return undefined
}
