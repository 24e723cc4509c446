import type { K0s } from '../../host/k0s.ts'
import type { HostFacts } from '../../model/k0s/facts.ts'
import { lastWords } from '../../model/k0s/last-words.ts'
import type { PlanOptions } from '../../model/k0s/plan.ts'
import type { Context } from '../../operation/context.ts'
import { OpsError, timedOut } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { waitFor } from '../../runtime/wait.ts'
import { type K0sContext, pendingOr, survey } from './survey.ts'

type RunningContext = K0sContext & Pick<Context, 'signal' | 'progress'>

const LOG_LINES = 15

/** Starts or restarts k0s where needed, and waits until its node is ready. */
export const k0sRunning = (options: PlanOptions = {}): Phase<RunningContext> => ({
  id: 'k0s/running',
  title: 'k0s running, node ready',

  async check(context) {
    const { facts, plan } = await survey(context, options)
    return pendingOr(plan.service.changes, runningEvidence(facts))
  },

  async run(context) {
    const { k0s, plan, wanted } = await survey(context, { ...options, fresh: true })
    if (plan.service.action === 'start') await k0s.start()
    if (plan.service.action === 'restart') await k0s.restart()
    await untilReady(context, k0s, plan.kept ? undefined : wanted.nodeName)
    // A busy VM may leave a question unanswered that it has answered before.
    const { facts, plan: after } = await waitFor({
      what: 'k0s to say how it runs',
      within: context.environment.k0s.deadline,
      signal: context.signal,
      probe: async () => {
        const read = await survey(context, { ...options, fresh: true })
        return read.plan.service.action === 'wait' ? undefined : read
      },
    })
    // Storage, flags and version are read back, so that what runs is what was asked for.
    if (after.service.action !== 'none') {
      throw timedOut(`k0s is running, but not as configured: ${after.service.changes.join('; ')}`, 'run the same command again')
    }
    return runningEvidence(facts)
  },
})

const runningEvidence = ({ bootId, k0s }: HostFacts): Json => ({
  version: k0s.status?.version ?? null,
  pid: k0s.process?.pid ?? null,
  storage: k0s.storage ?? null,
  clusterUid: k0s.readiness.clusterUid ?? null,
  bootId,
})

/**
 * @param nodeName of the node that must be ready; undefined where any will do
 * @throws OpsError 124 at the environment's deadline, with the end of the service's log
 */
async function untilReady(
  { environment, signal, progress }: RunningContext,
  k0s: K0s,
  nodeName: string | undefined,
): Promise<void> {
  try {
    await waitFor({
      what: 'the Kubernetes API and its node',
      within: environment.k0s.deadline,
      signal,
      probe: async () => {
        const { api, nodes } = await k0s.readiness()
        const ready = nodes.some(node => node.ready && (nodeName === undefined || node.name === nodeName))
        if (api && ready) return true
        // A wait of minutes needs an explanation, which is in k0s's own log.
        const said = lastWords(await k0s.log(LOG_LINES).catch(() => ''))
        const what = api ? `API ready, waiting for node ${nodeName ?? 'to be ready'}` : 'waiting for the Kubernetes API'
        progress(said ? `${what}; k0s: ${said}` : what)
        return undefined
      },
    })
  } catch (error) {
    if (!(error instanceof OpsError) || signal.aborted) throw error
    const log = await k0s.log(LOG_LINES).catch(() => '')
    throw new OpsError(
      error.code,
      log ? `${error.message}\n${log}` : error.message,
      'fix the cause, then run the same command again to go on from here',
      error,
    )
  }
}
