import { type Condition, conditionOf, type KubernetesObject } from '../health/objects.ts'
import { namespacedName } from '../namespaced-name.ts'

/** external-secrets.io, v1 and v1beta1. */
export interface ExternalSecret extends KubernetesObject {
  spec?: { target?: { name?: string }; refreshPolicy?: string }
  status?: { refreshTime?: string | null; conditions?: Condition[] }
}

export const GROUP = 'external-secrets.io'
/** The versions that are understood, the newest first. */
const VERSIONS = ['v1', 'v1beta1']
/** An ExternalSecret is synced anew whenever this changes. */
export const FORCE_SYNC = 'force-sync'

/** The version in which ExternalSecrets are asked for: the newest that the server has and that is understood; undefined where there is none. */
export const versionOf = (served: readonly string[]): string | undefined => VERSIONS.find(version => served.includes(version))

/** The name of the Secret that it makes. */
export const targetOf = ({ metadata, spec }: ExternalSecret): string => spec?.target?.name || metadata.name

/** Those of these names, each by `name` or `namespace/name`; all without names. `unknown` are the names of which there is none. */
export function chosenSecrets<T extends ExternalSecret>(
  all: readonly T[],
  names: readonly string[],
): { chosen: T[]; unknown: string[] } {
  const isMeant = (secret: T, name: string) => name === secret.metadata.name || name === namespacedName(secret)
  const there = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return {
    chosen: names.length === 0 ? there : there.filter(secret => names.some(name => isMeant(secret, name))),
    unknown: names.filter(name => !there.some(secret => isMeant(secret, name))),
  }
}

/** The operator makes it once and never again, whatever is asked. */
export const isMadeOnce = ({ spec }: ExternalSecret): boolean => spec?.refreshPolicy === 'CreatedOnce'

/** Why it does not count as synced since `before` was read; undefined once it does. */
export function unsynced(before: ExternalSecret, { status }: ExternalSecret): string | undefined {
  const ready = conditionOf(status?.conditions, 'Ready')
  if (ready?.status !== 'True')
    return ready ? `not ready: ${ready.message || ready.reason || 'without a reason'}` : 'its operator has not seen it yet'
  const { refreshTime } = status ?? {}
  return !refreshTime || refreshTime === before.status?.refreshTime ? 'not refreshed yet' : undefined
}
