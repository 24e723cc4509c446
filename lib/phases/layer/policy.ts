import type { ApplyOptions } from '../../command-line/options.ts'
import { describeConflicts } from '../../model/layer/import-block.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Plan, PlanOptions } from '../../terraform/terraform.ts'
import { type ExistingContext, foreignObjects, unfinishedObjects } from './existing.ts'
import { type GuardContext, type Judged, judgePlan, type PlanPermissions } from './guard.ts'
import { planLayer } from './plan.ts'

/** How one run applies layers: what their plans may do, and the plans that are still true. */
export interface ApplyPolicy {
  allow: readonly string[]
  fresh: boolean
  /** A layer's plan: the one that was made before, or is being made, unless something has been changed since. */
  plan(
    layer: string,
    context: Pick<Context, 'terraform' | 'progress' | 'changes'>,
    options?: Pick<PlanOptions, 'onUnderway'>,
  ): Promise<Plan>
  /** Whether a plan may be applied; judged once. */
  judge(plan: Plan, context: JudgeContext): Promise<Judged>
}

export type JudgeContext = GuardContext & ExistingContext

export function applyPolicy({ allowDestroy = [], fresh = false }: ApplyOptions = {}): ApplyPolicy {
  const made = new Map<string, { plan: Promise<Plan>; changes: number }>()
  const judged = new WeakMap<Plan, Promise<Judged>>()
  return {
    allow: allowDestroy,
    fresh,
    plan(layer, context, options) {
      const { changes } = context
      const before = made.get(layer)
      if (before?.changes === changes) return before.plan
      const plan = planLayer(layer, context, options)
      const own = { plan, changes }
      made.set(layer, own)
      plan.catch(() => {
        if (made.get(layer) === own) made.delete(layer)
      })
      return plan
    },
    judge(plan, context) {
      const known = judged.get(plan)
      if (known) return known
      const verdict = judge(plan, { allow: allowDestroy, fresh }, context)
      judged.set(plan, verdict)
      verdict.catch(() => judged.delete(plan))
      return verdict
    },
  }
}

async function judge(plan: Plan, policy: Pick<ApplyPolicy, 'allow' | 'fresh'>, context: JudgeContext): Promise<Judged> {
  const unfinished = await unfinishedObjects(plan, context)
  const verdict = await judgePlan(plan, { ...permissionsOf(policy, context), unfinished }, context)
  if (verdict.refusal) return verdict
  const foreign = await foreignObjects(plan, context)
  if (foreign.length === 0) return verdict
  const { message, hint } = describeConflicts(plan.layer, foreign)
  return { permitted: [], refusal: precondition(message, hint) }
}

/** What the environment and the operator let a plan do. */
export const permissionsOf = (
  { allow, fresh }: Pick<ApplyPolicy, 'allow' | 'fresh'>,
  { environment }: Pick<Context, 'environment'>,
): PlanPermissions => ({ allow, fresh, guarded: !environment.guards.destroy })
