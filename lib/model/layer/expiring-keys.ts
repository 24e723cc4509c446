import { withoutExpiring } from '../ssh-keys.ts'
import { type PlannedResource, record, type Values } from './planned.ts'

const KEYS = 'ssh-keys'
/** Changes with the metadata. */
const FINGERPRINT = 'metadata_fingerprint'

/**
 * Whether a plan does nothing but take SSH keys that expire by themselves out of a VM's metadata. A tree that declares the metadata and no
 * keys sees each key that was added for a login as a difference, as long as it lets in.
 */
export const undoesOnlyExpiringKeys = (resources: readonly PlannedResource[]): boolean =>
  resources.length > 0 && resources.every(takesOnlyExpiringKeys)

function takesOnlyExpiringKeys({ type, actions, before, after, previousAddress, importing }: PlannedResource): boolean {
  if (type !== 'google_compute_instance' || actions.join() !== 'update' || previousAddress || importing) return false
  const [had, has] = [record(before?.metadata) ?? {}, record(after?.metadata) ?? {}]
  return (
    String(had[KEYS] ?? '') !== '' &&
    withoutExpiring(String(had[KEYS])).trimEnd() === String(has[KEYS] ?? '').trimEnd() &&
    isSame(without(had, KEYS), without(has, KEYS)) &&
    isSame(without(before ?? {}, 'metadata', FINGERPRINT), without(after ?? {}, 'metadata', FINGERPRINT))
  )
}

const without = (values: Values, ...names: string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))

/** Both come from one document, in which Terraform sorts the keys. */
const isSame = (some: Values, others: Values): boolean => JSON.stringify(some) === JSON.stringify(others)
