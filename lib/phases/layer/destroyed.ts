import { layersAbove, needsCluster } from '../../model/layer/order.ts'
import { guardRefusal } from '../../operation/consent.ts'
import type { Context } from '../../operation/context.ts'
import { type OpsError, precondition } from '../../runtime/errors.ts'
import type { Phase, PhaseState } from '../../runtime/phases.ts'
import { type Plan, StalePlan } from '../../terraform/terraform.ts'
import { type Announcement, warnOfClaims } from './announcement.ts'
import { type GuardContext, judgePlan } from './guard.ts'
import { describeChanges, lockIn, onlyAfterCheck, type PlanContext, planAgain, planLayer } from './plan.ts'

type DestroyContext = PlanContext & GuardContext & Pick<Context, 'tunnel' | 'disconnect'>

/** Destroys one layer and nothing else, and of it what was announced and nothing else. */
export function layerDestroyed(name: string, announcement: Announcement): Phase<DestroyContext> {
  let plan: Plan | undefined
  return {
    id: `layer/${name}/destroyed`,
    title: `Destroy layer ${name}`,

    async check(context): Promise<PhaseState> {
      const { terraform } = context
      const { applied, serial } = await terraform.state(name)
      if (!applied) return { state: 'done', evidence: { serial } }
      // An announcement has said so; a dry run makes none.
      if (!announcement.agreed && needsCluster(name, terraform.layers)) await warnOfClaims(name, context)
      const above = await appliedAbove(name, context)
      if (above !== undefined) return { state: 'unknown', needs: `${above} to be destroyed first` }
      if (needsCluster(name, terraform.layers)) await context.tunnel()
      plan = await planLayer(name, context, { destroy: true })
      const refusal = await refusalOf(plan, announcement, context)
      return refusal ? { state: 'refused', refusal } : { state: 'todo', changes: describeChanges(plan) }
    },

    async run(context) {
      const { terraform, progress, disconnect } = context
      if (!announcement.agreed?.[name])
        throw precondition(`the destruction of ${name} was not announced`, 'run the same command again')
      let planned = onlyAfterCheck(plan)
      // The VM is about to go: what is connected to it would only hang.
      if (!needsCluster(name, terraform.layers)) await disconnect()
      try {
        await terraform.apply(planned, progress)
      } catch (error) {
        if (!(error instanceof StalePlan) && !lockIn(error)) throw error
        planned = await planAgain(name, context, planned)
        const refusal = await refusalOf(planned, announcement, context)
        if (refusal) throw refusal
        await terraform.apply(planned, progress)
      }
      const { serial } = await terraform.state(name)
      return { serial, destroyed: planned.changes.map(({ address }) => address) }
    },
  }
}

/** Only what was agreed to; before anything was, as in a dry run, all that the layer holds and the guard allows. */
async function refusalOf(plan: Plan, { agreed, guard }: Announcement, context: GuardContext): Promise<OpsError | undefined> {
  if (!agreed) return guardRefusal(context.environment, guard, `destroy ${plan.layer}`)
  const permissions = { consent: agreed[plan.layer] ?? [], guarded: !context.environment.guards[guard], fresh: true }
  return (await judgePlan(plan, permissions, context)).refusal
}

const appliedAbove = async (name: string, { terraform }: Pick<Context, 'terraform'>): Promise<string | undefined> => {
  for (const above of layersAbove(name, terraform.layers)) {
    if ((await terraform.state(above)).applied) return `layer ${above}`
  }
  return undefined
}
