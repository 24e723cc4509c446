import type { Announced } from '../../model/layer/guarded.ts'
import { describeClaims, heldBy } from '../../model/layer/holdings.ts'
import { realName } from '../../model/layer/real-name.ts'
import { guardRefusal } from '../../operation/consent.ts'
import type { Context } from '../../operation/context.ts'
import { purgeable } from '../snapshot/purged.ts'
import { clusterHoldings } from './guard.ts'

/** What a verb whose purpose is to destroy is about to destroy. */
export interface Announcement {
  /** The highest first. */
  layers: readonly string[]
  /** The environment's guard that must allow it. */
  guard: 'destroy' | 'drills'
  /** By layer, what was announced and agreed to: exactly that may be destroyed. */
  agreed?: Record<string, Announced[]>
  /** The environment's snapshots go as well. */
  purge?: boolean
  /** Names of those that were announced and agreed to. */
  snapshots?: readonly string[]
}

/**
 * Announces all that the layers' states hold, with `purge` the snapshots too, and asks the operator to agree to its destruction.
 * @throws OpsError 4 unless the environment's guard allows it and the operator agrees
 */
export async function announce(
  announcement: Announcement,
  context: Pick<Context, 'terraform' | 'consent' | 'log' | 'compute' | 'environment' | 'cluster' | 'signal'>,
): Promise<void> {
  const { environment, terraform, consent, log } = context
  const { layers, guard, purge } = announcement
  const question = `Destroy ${layers.join(', ')}`
  // Where it is forbidden, nothing has to be asked of anybody.
  const refusal = guardRefusal(environment, guard, question)
  if (refusal) throw refusal
  const agreed: Record<string, Announced[]> = {}
  for (const layer of layers) {
    const resources = await terraform.resources(layer)
    agreed[layer] = resources.map(({ address, deposed, type, attributes }) => ({
      address,
      ...(deposed !== undefined && { deposed }),
      name: realName(type, attributes) ?? '',
    }))
    const held = resources.flatMap(({ type, attributes }) => heldBy(type, attributes))
    const data = held.map(({ kind, name }) => `${kind} ${name}`).join(', ')
    if (resources.length > 0)
      log.info(`${layer}: ${counted(resources.length, 'resource')} will be destroyed${data && `, and with them ${data}`}`)
    await warnOfClaims(layer, context)
  }
  const snapshots = purge ? await purgeable(context) : []
  if (snapshots.length > 0) log.info(`${counted(snapshots.length, 'snapshot')} will be deleted: ${snapshots.join(', ')}`)
  const more = snapshots.length > 0 ? ` and ${counted(snapshots.length, 'snapshot')}` : ''
  const isNothing = snapshots.length === 0 && Object.values(agreed).every(objects => objects.length === 0)
  if (!isNothing) await consent({ question: `${question}${more}`, destroys: true, guard })
  announcement.agreed = agreed
  announcement.snapshots = snapshots
}

/** Warns of what no apply brings back: the data of the volume claims that go with a layer, by the namespaces that it holds. */
export async function warnOfClaims(
  layer: string,
  context: Pick<Context, 'terraform' | 'log' | 'cluster' | 'signal'>,
): Promise<void> {
  const resources = await context.terraform.resources(layer)
  const held = resources.flatMap(({ type, attributes }) => heldBy(type, attributes))
  for (const loss of describeClaims(held, await clusterHoldings(held, context)))
    context.log.warn(`${layer}: its destruction takes along ${loss}`)
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
