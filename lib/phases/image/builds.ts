import { type Finding, noted } from '../../model/health/finding.ts'
import { platformFinding } from '../../model/image/facts.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import { type DeliveryContext, openDelivery } from './delivery.ts'

/**
 * Findings where the newest build of a service, the one tagged `latest`, is not for the nodes: then nothing newer reaches the pods, and
 * nothing else reports it. A registry that does not answer is noted as such.
 */
export async function newestBuilds(context: DeliveryContext): Promise<Finding[]> {
  if (!context.environment.delivery) return []
  const { settings, registry } = openDelivery(context)
  const services = Object.values(settings.services)
  const found = await Promise.all(
    services.map(async ({ image }) => {
      try {
        const facts = await registry().image(image, 'latest', context.signal)
        return facts && platformFinding(`${image}:latest`, facts, settings.platform)
      } catch (error) {
        if (!(error instanceof OpsError) || error.code === exitCodes.interrupted) throw error
        return noted('image/unknown', image, error.message, { remedy: error.hint })
      }
    }),
  )
  return found.flatMap(finding => finding ?? [])
}
