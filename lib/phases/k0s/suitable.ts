import type { PlanOptions } from '../../model/k0s/plan.ts'
import { checkPhase, type Phase } from '../../runtime/phases.ts'
import { type K0sContext, survey } from './survey.ts'

/** Checks that k0s can run on the VM; everything that is wrong is reported at once. */
export const hostSuitable = (options: PlanOptions = {}): Phase<K0sContext> =>
  checkPhase({
    id: 'host/suitable',
    title: 'VM fit for k0s',
    async check(context) {
      const { architecture, os, bootId, clockSkew } = (await survey(context, options)).facts
      return { state: 'done', evidence: { architecture, os, bootId, clockSkewMs: clockSkew } }
    },
  })
