import type { Expectations } from '../../model/health/inventory.ts'
import type { Context } from '../../operation/context.ts'
import { countsText, findingsText, plain } from '../../report/findings.ts'
import { formatDuration } from '../../runtime/duration.ts'
import { partial, unhealthy } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { assessment, untilHealthy, type WaitContext } from './assessment.ts'

type VerifiedContext = WaitContext & Pick<Context, 'journal'>

/**
 * The system is healthy, or becomes so in time.
 * @param within milliseconds
 * @param images that must run as well; called when they are checked
 */
export function verified({
  within,
  images,
}: {
  within: number
  images?: () => Expectations['images']
}): Phase<VerifiedContext> {
  const expected = ({ environment }: VerifiedContext): Expectations => ({
    ...environment.verify,
    ...(images && { images: images() ?? [] }),
  })
  return {
    id: 'verified',
    title: 'Everything is healthy',

    async check(context) {
      const { verdict, findings } = await assessment(context, expected(context))
      return verdict === 'healthy'
        ? { state: 'done', evidence: { verdict, findings: findings as unknown as Json } }
        : { state: 'todo', changes: [`wait until it is healthy: ${countsText(findings)}`] }
    },

    async run(context) {
      const started = performance.now()
      const { verdict, findings } = await untilHealthy(context, within, expected(context))
      if (verdict !== 'healthy') {
        await context.journal?.fact('findings', findings as unknown as Json)
        // Still progressing, but not waited for any longer: its schedule has stopped the VM.
        const failure = verdict === 'progressing' ? partial : unhealthy
        throw failure(
          `not healthy after ${formatDuration(performance.now() - started)}\n${findingsText(findings, verdict, plain)}`,
          'follow the remedies above, then run the same command again; `./taskw verify` shows where it stands',
        )
      }
      return { verdict, findings: findings as unknown as Json }
    },
  }
}
