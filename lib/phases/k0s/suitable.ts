import { checkPhase, type Phase } from '../../runtime/phases.ts'
import { type K0sContext, survey } from './survey.ts'

/** The VM is one that k0s can run on; whatever is wrong with it is reported at once. */
export const hostSuitable = (): Phase<K0sContext> =>
  checkPhase({
    id: 'host/suitable',
    title: 'VM fit for k0s',
    async check(context) {
      const { architecture, os, bootId, clockSkew } = (await survey(context)).facts
      return { state: 'done', evidence: { architecture, os, bootId, clockSkewMs: clockSkew } }
    },
  })
