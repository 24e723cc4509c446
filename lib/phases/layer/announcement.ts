import type { Announced } from '../../model/layer/guarded.ts'
import { heldBy } from '../../model/layer/holdings.ts'
import { realName } from '../../model/layer/real-name.ts'
import type { Context } from '../../operation/context.ts'

/** What a verb whose purpose is to destroy is about to destroy. */
export interface Announcement {
  /** The highest first. */
  layers: readonly string[]
  /** The environment's guard that must allow it. */
  guard: 'destroy' | 'drills'
  /** By layer, what was announced and agreed to: exactly that may be destroyed. */
  agreed?: Record<string, Announced[]>
}

/**
 * Announces all that the layers' states hold, and asks the operator to agree to its destruction.
 * @throws OpsError 4 unless the environment's guard allows it and the operator agrees
 */
export async function announce(
  announcement: Announcement,
  { terraform, consent, log }: Pick<Context, 'terraform' | 'consent' | 'log'>,
): Promise<void> {
  const agreed: Record<string, Announced[]> = {}
  for (const layer of announcement.layers) {
    const resources = await terraform.resources(layer)
    agreed[layer] = resources.map(({ address, deposed, type, attributes }) => ({
      address,
      ...(deposed !== undefined && { deposed }),
      name: realName(type, attributes) ?? '',
    }))
    const held = resources.flatMap(({ type, attributes }) => heldBy(type, attributes))
    const data = held.map(({ kind, name }) => `${kind} ${name}`).join(', ')
    if (resources.length > 0)
      log.info(`${layer}: ${resources.length} resources will be destroyed${data && `, and with them ${data}`}`)
  }
  const { layers, guard } = announcement
  await consent({ question: `Destroy ${layers.join(', ')}`, destroys: true, guard })
  announcement.agreed = agreed
}
