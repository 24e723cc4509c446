import type { Assessment } from '../../model/health/assess.ts'
import { type Finding, sorted, verdictOf } from '../../model/health/finding.ts'
import { imagesInDoubt, withPlatforms } from '../../model/health/platform.ts'
import type { ImageFacts } from '../../model/image/facts.ts'
import { parseReference } from '../../model/image/reference.ts'
import type { Context } from '../../operation/context.ts'
import { findingsText, stdoutChalk } from '../../report/findings.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Outcome } from '../../runtime/script.ts'
import { newestBuilds } from '../image/builds.ts'
import { openDelivery } from '../image/delivery.ts'
import { assessment, untilHealthy } from './assessment.ts'
import { unreachable } from './reach.ts'

/**
 * Everything that is known about the system's health, as a script's outcome: 0 healthy, 6 unhealthy, 7 still progressing.
 * @param within milliseconds to wait for it to be healthy; without, it is assessed once
 */
export async function judgement(context: Context, within?: number): Promise<Outcome> {
  const [assessed, newest] = await Promise.all([
    (within === undefined ? assessment(context) : waited(context, within)).catch(error => unreachable(error, context)),
    newestBuilds(context),
  ])
  const explained = withPlatforms(assessed.findings, await platforms(assessed.findings, context))
  const findings = sorted([...explained, ...newest])
  // What a wait has waited for in vain is now an error.
  const verdict = assessed.verdict === 'unhealthy' ? 'unhealthy' : verdictOf(findings)
  return {
    exitCode: { healthy: exitCodes.ok, unhealthy: exitCodes.unhealthy, progressing: exitCodes.partial }[verdict],
    document: { verdict, findings: findings as unknown as Json },
    text: findingsText(findings, verdict, stdoutChalk()),
  }
}

async function waited(context: Context, within: number): Promise<Assessment> {
  const activity = context.log.activity('Waiting for everything to be healthy')
  context.progress = activity.update
  try {
    const result = await untilHealthy(context, within)
    if (result.verdict === 'healthy') activity.done()
    else activity.failed('out of time')
    return result
  } catch (error) {
    activity.failed()
    throw error
  }
}

/**
 * What the registry knows about the services' images that are in doubt, as far as it answers. No other registry is asked: the
 * credentials are for this one only.
 */
async function platforms(findings: readonly Finding[], context: Context): Promise<Map<string, ImageFacts>> {
  const known = new Map<string, ImageFacts>()
  if (!context.environment.delivery) return known
  const { settings, registry } = openDelivery(context)
  const ours = new Set(Object.values(settings.services).map(({ image }) => image))
  for (const image of imagesInDoubt(findings)) {
    const { repository, tag = 'latest', digest = tag } = parseReference(image)
    if (!ours.has(repository)) continue
    try {
      const facts = await registry().image(repository, digest, context.signal)
      if (facts) known.set(image, facts)
    } catch (error) {
      if (!(error instanceof OpsError) || error.code === exitCodes.interrupted) throw error
      context.log.debug(`${image}: ${error.message}`)
    }
  }
  return known
}
