import { judgeLoss } from '../../../model/drill/judge/health.ts'
import { assessment } from '../../health/assessment.ts'
import { alwaysDone, type DrillStep } from '../step.ts'
import { healthOf } from '../survey.ts'

/** `verify` must see the loss. */
export const lossSeen = (): DrillStep => ({
  stage: 'detect',
  id: 'loss-seen',
  title: 'Loss seen by verify',
  judge: judgeLoss,
  work: ({ remember }) =>
    alwaysDone('check that verify sees the loss', async context => {
      const loss = await healthOf(await assessment(context), context)
      await remember('loss', loss)
      return { verdict: loss.verdict, findings: loss.findings.length }
    }),
})
