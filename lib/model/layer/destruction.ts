import { type Held, heldBy } from './holdings.ts'
import { destroys, type PlannedResource } from './planned.ts'
import { realName } from './real-name.ts'

/** A planned change after which an object that exists now does not. */
export interface Destruction {
  address: string
  /** Key of a deposed object; another object may live under the same address. */
  deposed?: string
  type: string
  action: 'delete' | 'replace'
  /** What the object is called where it lives; '' where nothing names it. */
  name: string
  /** What it holds as data. */
  holds: Held[]
}

/**
 * What a plan destroys: every deletion, and either order of a replacement. An update is none: providers replace what they
 * can't change in place (`force_new` of a kubectl_manifest included), and their plan says so.
 */
export const destructions = (planned: readonly PlannedResource[]): Destruction[] =>
  planned.filter(destroys).map(({ address, deposed, type, actions, before }) => ({
    address,
    ...(deposed !== undefined && { deposed }),
    type,
    action: actions.includes('create') ? 'replace' : 'delete',
    name: realName(type, before) ?? '',
    holds: heldBy(type, before),
  }))
