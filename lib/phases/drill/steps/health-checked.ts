import { judgeHealth } from '../../../model/drill/judge/health.ts'
import { untilHealthy } from '../../health/assessment.ts'
import { alwaysDone, type DrillStep } from '../step.ts'
import { healthOf } from '../survey.ts'

/** At the end everything is healthy again, without duplicates. */
export const healthChecked = (): DrillStep => ({
  stage: 'verify',
  id: 'health',
  title: 'Health judged',
  judge: judgeHealth,
  work: ({ remember, within }) =>
    alwaysDone('wait until everything is healthy, without duplicates', async context => {
      const health = await healthOf(await untilHealthy(context, within), context)
      await remember('health', health)
      return { verdict: health.verdict, pods: health.pods.length, applications: health.applications }
    }),
})
