import { judgeSteadyState } from '../../../model/drill/judge/health.ts'
import { isRestorable } from '../../../model/snapshot/found.ts'
import { partial } from '../../../runtime/errors.ts'
import { assessment, untilHealthy } from '../../health/assessment.ts'
import { snapshotsFound } from '../../snapshot/found.ts'
import { alwaysDone, type DrillStep } from '../step.ts'
import { healthOf } from '../survey.ts'

/** How long a system that has just changed may take to settle before it counts as not steady. In milliseconds. */
const STEADY_MS = 60_000

/** A drill on a system that is not healthy would prove nothing. */
export const steadyState = (): DrillStep => ({
  stage: 'prepare',
  id: 'steady-state',
  title: 'Steady state: everything is healthy',
  judge: judgeSteadyState,
  work: ({ remember }) =>
    alwaysDone('check that everything is healthy', async context => {
      const now = await assessment(context)
      const settled = now.verdict === 'progressing' ? await untilHealthy(context, STEADY_MS) : now
      const health = await healthOf(settled, context)
      const newest = await newestSnapshot(context)
      await remember('steadyState', { ...health, ...(newest && { newestSnapshot: newest }) })
      if (health.verdict !== 'healthy') {
        throw partial(
          'not healthy before the drill: nothing was destroyed, and nothing was proven',
          '`./taskw verify` says what is wrong',
        )
      }
      return { pods: health.pods.length, applications: health.applications, newestSnapshot: newest ?? null }
    }),
})

/** The newest snapshot that could be restored, whatever layer it was taken after, and whoever made it. */
async function newestSnapshot(context: Parameters<typeof snapshotsFound>[0]) {
  const newest = (await snapshotsFound(context)).find(isRestorable)
  return newest && { name: newest.name, createdAt: newest.createdAt }
}
