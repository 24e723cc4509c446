import { type OwnKey, type Validity, validityIn } from '../ssh-keys.ts'

/** Metadata by their keys. */
export type Attributes = Readonly<Record<string, string>>

/** What decides how one logs in on a VM: its own metadata, and those that it shares with all VMs of its project. */
export interface LoginAttributes {
  instance: Attributes
  project: Attributes
}

const OS_LOGIN = 'enable-oslogin'
const GUEST_ATTRIBUTES = 'enable-guest-attributes'
const BLOCKED = 'block-project-ssh-keys'
const KEYS = 'ssh-keys'
/** An instance that has this old entry takes none of its project's keys. */
const OLD_KEYS = 'sshKeys'

/** https://cloud.google.com/compute/docs/metadata/overview#boolean; what is neither says nothing. */
function isTrue(value: string | undefined): boolean | undefined {
  if (/^(true|t|yes|y|1)$/i.test(value ?? '')) return true
  return /^(false|f|no|n|0)$/i.test(value ?? '') ? false : undefined
}

const isBlocked = (instance: Attributes): boolean => isTrue(instance[BLOCKED]) === true || Boolean(instance[OLD_KEYS])

/** Whether the project has a say, or the VM's own metadata say everything. */
export const asksProject = (instance: Attributes): boolean =>
  !isBlocked(instance) || [OS_LOGIN, GUEST_ATTRIBUTES].some(key => isTrue(instance[key]) === undefined)

/** Where OS Login is turned on, if it is; then keys in the metadata count for nothing. The instance overrides its project. */
export function osLogin({ instance, project }: LoginAttributes): keyof LoginAttributes | undefined {
  const own = isTrue(instance[OS_LOGIN])
  if (own !== undefined) return own ? 'instance' : undefined
  return isTrue(project[OS_LOGIN]) ? 'project' : undefined
}

/** Whether the guest can publish its host keys. */
export const publishesHostKeys = ({ instance, project }: LoginAttributes): boolean =>
  isTrue(instance[GUEST_ATTRIBUTES]) ?? isTrue(project[GUEST_ATTRIBUTES]) ?? false

/** How long the metadata let a key in, OS Login apart. */
export function validityOf(own: OwnKey, { instance, project }: LoginAttributes, now: Date): Validity {
  const heeded = isBlocked(instance) ? [instance] : [instance, project]
  return validityIn(heeded.flatMap(attributes => [attributes[KEYS] ?? '', attributes[OLD_KEYS] ?? '']).join('\n'), own, now)
}
