import { type Finding, noted } from '../../model/health/finding.ts'
import { platformFinding } from '../../model/image/facts.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import { type DeliveryContext, openDelivery } from './delivery.ts'

/**
 * Whether the newest build of each service, the one that `latest` names, is for the nodes: if it is not, nothing newer will
 * arrive, and nobody says so. Without an answer of the registry that is all there is to say.
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
