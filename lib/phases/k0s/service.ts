import type { PlanOptions } from '../../model/k0s/plan.ts'
import type { Phase } from '../../runtime/phases.ts'
import { type K0sContext, pendingOr, survey } from './survey.ts'

/** Installs k0s as a service of the VM, with the configured flags. */
export const k0sService = (options: PlanOptions = {}): Phase<K0sContext> => ({
  id: 'k0s/installed',
  title: 'k0s service',

  async check(context) {
    const { facts, plan, wanted } = await survey(context, options)
    const flags = plan.kept ? (facts.k0s.unit?.args ?? []) : wanted.flags
    return pendingOr(plan.unit, { flags: [...flags] }, plan.kept?.unit)
  },

  async run(context) {
    const { k0s, facts, plan, wanted } = await survey(context, { ...options, fresh: true })
    const force = facts.k0s.unit !== undefined
    if (plan.unit.length > 0) await k0s.install(wanted.flags, wanted.environment, { force })
    return { flags: [...wanted.flags], changes: plan.unit }
  },
})
