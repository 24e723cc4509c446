import type { PlanOptions } from '../../model/k0s/plan.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { vmReachable } from '../vm/reachable.ts'
import { k0sBinary } from './binary.ts'
import { k0sConfig } from './config.ts'
import { k0sRunning } from './running.ts'
import { k0sService } from './service.ts'
import { hostSuitable } from './suitable.ts'
import { type K0sContext, survey } from './survey.ts'

/**
 * Brings k0s up on the VM, from scratch or from wherever an earlier run, an upgrade or a preemption left it. A k0s that somebody else has
 * installed is only started, unless it is taken over.
 */
export const bootstrap = (options: PlanOptions = {}): Phase<Context>[] => [
  vmReachable(),
  hostSuitable(options),
  k0sBinary(options),
  k0sConfig(options),
  k0sService(options),
  k0sRunning(options),
]

/** What the operator must agree to before a k0s of somebody else is taken over: it restarts. @throws OpsError 4 without it */
export async function agreeToTakeOver(context: K0sContext & Pick<Context, 'consent'>): Promise<void> {
  const { facts, plan } = await survey(context, { takeOver: true })
  if (!plan.takesOver) return
  const effect = plan.service.action === 'restart' ? ', which restarts it' : ''
  await context.consent({ question: `Take over the k0s of ${facts.hostname}${effect}`, destroys: false })
}
