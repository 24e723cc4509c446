import { isDeepStrictEqual } from 'node:util'
import { secrets } from '../../cluster/kinds.ts'
import type { Conflict } from '../../model/layer/adoption.ts'
import { importId } from '../../model/layer/import-id.ts'
import { isOurs, isUnfinished } from '../../model/layer/intents.ts'
import { type Defaults, type Location, locationOf } from '../../model/layer/location.ts'
import { creates, type PlannedResource } from '../../model/layer/planned.ts'
import { realName } from '../../model/layer/real-name.ts'
import type { Context } from '../../operation/context.ts'
import type { Plan } from '../../terraform/terraform.ts'
import { knownIntents } from './known-intents.ts'

export type ExistingContext = Pick<Context, 'exists' | 'cluster' | 'defaults' | 'store' | 'environment' | 'signal'>

/**
 * What a plan would create and is there already, though no interrupted run of this environment had begun to make it. Terraform would
 * only find that out in the middle of an apply, and of a `kubectl_manifest` not at all: it would take the object over.
 */
export async function foreignObjects({ layer, resources }: Plan, context: ExistingContext): Promise<Conflict[]> {
  const defaults = resources.some(creates) ? await context.defaults() : undefined
  if (!defaults) return []
  const created = resources.filter(resource => creates(resource) && !replacesItself(resource, defaults))
  const existing = await Promise.all(created.map(async resource => (await isThere(resource, defaults, context)) && resource))
  const found = existing.flatMap(resource => (resource ? conflictOf(resource, defaults) : []))
  if (found.length === 0) return []
  const known = await knownIntents(context)
  return found.filter(conflict => !isOurs({ layer, ...conflict }, known))
}

/** Addresses of what is tainted in the state because an interrupted run of ours had begun to make it, and nobody has finished. */
export async function unfinishedObjects(
  { layer, resources }: Plan,
  context: Pick<Context, 'store' | 'environment'>,
): Promise<ReadonlySet<string>> {
  const tainted = resources.filter(({ reason }) => reason === 'replace_because_tainted')
  if (tainted.length === 0) return new Set()
  const known = await knownIntents(context)
  const unfinished = tainted.filter(({ address, type, before }) =>
    isUnfinished({ layer, address, name: realName(type, before) ?? '' }, known),
  )
  return new Set(unfinished.map(({ address }) => address))
}

/** A replacement finds the object that it replaces, unless that has another name. */
const replacesItself = ({ type, before, after }: PlannedResource, defaults: Defaults): boolean =>
  before !== null && isDeepStrictEqual(locationOf({ type, after: before }, defaults), locationOf({ type, after }, defaults))

async function isThere(resource: PlannedResource, defaults: Defaults, context: ExistingContext): Promise<boolean> {
  const location = locationOf(resource, defaults)
  return location !== undefined && existsAt(location, context)
}

async function existsAt(location: Location, { exists, cluster, signal }: ExistingContext): Promise<boolean> {
  if (location.in === 'cluster') return (await cluster()).exists(location.object, signal)
  if (location.in === 'helm') {
    const records = await (await cluster()).list(secrets, location.namespace, signal)
    return records.some(({ metadata: { labels } }) => labels?.owner === 'helm' && labels.name === location.name)
  }
  return exists(location.in, location.path)
}

/** Compute's objects are imported by the path at which they are. */
function conflictOf({ address, type, after }: PlannedResource, defaults: Defaults): Conflict {
  const location = locationOf({ type, after }, defaults)
  const known = after ? importId(type, after) : undefined
  const id = known ?? (location?.in === 'compute' ? location.path : undefined)
  return { address, name: realName(type, after) ?? '', ...(id !== undefined && { id }) }
}
