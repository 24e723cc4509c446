import type { Context } from '../../operation/context.ts'
import { checkPhase, type Phase } from '../../runtime/phases.ts'

/** Checks that the VM answers over SSH. */
export const vmReachable = (): Phase<Pick<Context, 'host'>> =>
  checkPhase({
    id: 'host/reachable',
    title: 'SSH to the VM',
    check: async ({ host }) => ({ state: 'done', evidence: { host: (await host()).name } }),
  })
