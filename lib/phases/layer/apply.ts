import type { Context } from '../../operation/context.ts'
import { messageOf } from '../../runtime/errors.ts'
import { type Plan, StalePlan, TerraformError } from '../../terraform/terraform.ts'
import { type AdoptionContext, adopt } from './adoption.ts'
import { recordIntents, recordState } from './intents.ts'
import { lockIn, type PlanContext, planAgain } from './plan.ts'
import type { ApplyPolicy, JudgeContext } from './policy.ts'

export type ApplyContext = PlanContext &
  JudgeContext &
  AdoptionContext &
  Pick<Context, 'environment' | 'consent' | 'journal' | 'store' | 'now'>

/** Each attempt must have taken in something that the one before could not have: this many bound a fault in that rule. */
const ATTEMPTS = 8

/**
 * Applies a plan that was judged. Where the state has moved on or was locked, or where an interrupted run of ours had made something
 * that it could not record, what is left is planned, judged and applied again.
 * @throws OpsError 4 where that plan destroys what the operator did not allow, or meets objects that are not ours
 */
export async function applyPlan(first: Plan, policy: ApplyPolicy, context: ApplyContext): Promise<void> {
  let plan = first
  for (let attempt = 1; ; attempt++) {
    await agreeToDestruction(plan, policy, context)
    await recordIntents(plan, context)
    try {
      await context.terraform.apply(plan, context.progress)
    } catch (error) {
      if (!hasStoredState(error)) throw error
      // Before anything else that may fail: intents without a record would pass for those of a killed run.
      await recordState(plan.layer, context).catch(failure => context.log.warn(`not recorded: ${messageOf(failure)}`))
      if (attempt === ATTEMPTS || !(await canGoOn(plan, error, context))) throw error
      plan = await planAgain(plan.layer, context, plan)
      if (!plan.empty) continue
    }
    return recordState(plan.layer, context)
  }
}

/** Whether Terraform has ended by itself. A state that it could not store is in a file beside the layer's own. */
const hasStoredState = (error: unknown): error is StalePlan | TerraformError =>
  error instanceof StalePlan || (error instanceof TerraformError && !error.message.includes('errored.tfstate'))

/** Whether another plan may get further: nothing was tried, or what was in the way has been taken into the state. */
async function canGoOn(plan: Plan, error: StalePlan | TerraformError, context: ApplyContext): Promise<boolean> {
  if (!(error instanceof TerraformError) || lockIn(error)) return true
  return adopt(plan, error, context)
}

/** The plan in hand may be another one than that of the check: it is judged again. Where names are typed, one is typed for it. */
async function agreeToDestruction(plan: Plan, policy: ApplyPolicy, context: ApplyContext): Promise<void> {
  const { permitted, refusal } = await policy.judge(plan, context)
  if (refusal) throw refusal
  if (permitted.length === 0) return
  const addresses = permitted.map(({ address }) => address).join(', ')
  await context.consent({ question: `Let ${plan.layer} destroy ${addresses}`, destroys: true, requested: true })
}
