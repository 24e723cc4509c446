import { CONFIG_PATH } from '../../model/k0s/config.ts'
import type { PlanOptions } from '../../model/k0s/plan.ts'
import type { Phase } from '../../runtime/phases.ts'
import { type K0sContext, pendingOr, survey } from './survey.ts'

/** Writes the ClusterConfig file on the VM. */
export const k0sConfig = (options: PlanOptions = {}): Phase<K0sContext> => ({
  id: 'k0s/config',
  title: 'k0s configuration',

  async check(context) {
    const { plan } = await survey(context, options)
    return pendingOr(plan.config, { path: CONFIG_PATH }, plan.kept?.config)
  },

  async run(context) {
    const { k0s, plan, wanted } = await survey(context, { ...options, fresh: true })
    if (plan.config.length > 0) await k0s.putConfig(CONFIG_PATH, wanted.config)
    return { path: CONFIG_PATH, changes: plan.config }
  },
})
