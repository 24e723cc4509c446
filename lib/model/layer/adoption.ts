import { importId } from './import-id.ts'
import { baseName, type PlannedResource, text, typeOf, type Values } from './planned.ts'
import { realName } from './real-name.ts'
import type { StreamState } from './stream.ts'

/** A resource that exists but is not in the state, and the id to take it in by. */
export interface Adoption {
  address: string
  /** Import id, in the form of the resource's type. */
  id: string
}

/** What an apply found there already, whosever it is. */
export interface Conflict {
  address: string
  /** Its planned real name; '' where that is not known. */
  name: string
  /** Undefined where neither the error nor the plan says it. */
  id?: string
}

/** A Helm release that exists but is not in the state. */
export interface StrandedRelease {
  address: string
}

type Errors = StreamState['errors']

/**
 * A full path in an error: `The resource 'projects/…' already exists`, `Secret [projects/…] already exists`, `Job projects/… already
 * exists`, `Custom project role projects/… already exists and must be imported`.
 */
const PATH = /(projects\/[^\s'"[\]/]+\/[^\s'"[\]]+)['"\]]? already exists/
/** `Service account a already exists within project projects/p.` */
const SERVICE_ACCOUNT = /Service account (\S+) already exists within project projects\/([^\s.,]+)/
/** `Already Exists: Dataset p:d` */
const DATASET = /Already Exists: Dataset ([\w-]+):(\w+)/
/** What the google provider says where a resource is part of another one; the message has no path. */
const NESTED = /existing object already found/
/** Of the second form only one's own: a bucket of somebody else's is `not available`, and can't be imported. */
const BUCKET = /you already own (it|this bucket)/i
/** The second where two installations meet. */
const RELEASE_NAME_TAKEN = /cannot re-use a name that is still in use|secrets "sh\.helm\.release\.v1\.[^"]+" already exists/
/** `namespaces "a" already exists`, `resource "ns/a" already exists`, `The resource 'entity.managedZone' named 'z' already exists`, and so on. */
const EXISTS = /already exists?\b/i

/** It will be gone in a moment: nothing to import, but to wait for. */
const GOING = /object is being deleted/
/** What a program said that Terraform ran. */
const PROVISIONER = /provisioner error/

/** Making them again changes nothing, so that nothing of them is ever in the way: such an error is about something else. */
const NEVER_IN_THE_WAY =
  /^google_project_service$|_iam_(member|binding|policy)$|^(null_resource|terraform_data)$|^(local|random|time)_/

/** What an apply's errors say is there already. With the plan it knows names, and ids that messages lack. */
export const conflicts = (errors: Errors, planned: readonly PlannedResource[] = []): Conflict[] =>
  errors.flatMap(({ address, summary, detail }) => {
    if (address === undefined) return []
    const type = typeOf(address)
    const said = `${summary}\n${detail}`
    if (!isConflict(type, said)) return []
    const values = planned.find(resource => resource.address === address && resource.deposed === undefined)?.after ?? null
    const told = idIn(said)
    if (told !== undefined && isAnother(type, told, values)) return []
    const id = (values && importId(type, values)) ?? told
    return [{ address, name: realName(type, values) ?? '', ...(id !== undefined && { id }) }]
  })

function isConflict(type: string, said: string): boolean {
  if (GOING.test(said) || PROVISIONER.test(said) || NEVER_IN_THE_WAY.test(type)) return false
  // An object of the release may be in the way, too; importing the release would not help that.
  if (type === 'helm_release') return RELEASE_NAME_TAKEN.test(said)
  return EXISTS.test(said) || NESTED.test(said) || BUCKET.test(said)
}

/** The import id that a message carries. */
function idIn(said: string): string | undefined {
  const account = SERVICE_ACCOUNT.exec(said)
  if (account) return `projects/${account[2]}/serviceAccounts/${account[1]}@${account[2]}.iam.gserviceaccount.com`
  const dataset = DATASET.exec(said)
  if (dataset) return `projects/${dataset[1]}/datasets/${dataset[2]}`
  return PATH.exec(said)?.[1]
}

/**
 * Whether a path is that of another object than the resource's: making a VM fails over a disk that exists, by default one of the
 * VM's own name.
 */
function isAnother(type: string, path: string, values: Values | null): boolean {
  if (type === 'google_compute_instance') return !/\/instances\/[^/]+$/.test(path)
  const name = type.startsWith('google_compute_') ? text(values?.name) : undefined
  return name !== undefined && name !== baseName(path)
}

/** The releases whose name Helm refuses because an earlier, unrecorded installation holds it. */
export const strandedReleases = (errors: Errors): StrandedRelease[] =>
  errors.flatMap(({ address, summary, detail }) =>
    address !== undefined && RELEASE_NAME_TAKEN.test(`${summary}\n${detail}`) ? [{ address }] : [],
  )

/** Who holds a layer's state lock, from Terraform's own words. */
export interface StateLock {
  id: string
  /** `user@host`. */
  who: string
  created: string
}

/** The lock that an error is about, or undefined when nobody holds one: it is about something else, or the bucket refused to write it. */
export function stateLock(errors: Errors): StateLock | undefined {
  for (const { summary, detail } of errors) {
    if (!/Error acquiring the state lock/.test(summary)) continue
    const field = (name: string) => new RegExp(`^\\s*${name}:\\s+(.+)$`, 'm').exec(detail)?.[1]?.trim() ?? ''
    const id = field('ID')
    if (id !== '') return { id, who: field('Who'), created: field('Created') }
  }
  return undefined
}

/**
 * Whether a Terraform could not take the state's lock although nobody holds it: whoever did has let it go before Terraform could read who
 * that is, or the bucket had a bad moment.
 */
export const isFreeLock = (said: string): boolean =>
  /Error acquiring the state lock/.test(said) && !/Lock Info/.test(said) && /Error[\s│]+(412|429|5\d\d)\b/.test(said)

/** Milliseconds in which a Terraform takes its lock, if at all: it waits a minute for another's. */
const TAKES_LOCK_WITHIN_MS = 120_000
/** Of Terraform's clock and ours, which are the same, one is cut to microseconds. */
const CLOCK_SLACK_MS = 1000

/**
 * Whether a lock is the one that a Terraform of this checkout took.
 * @param began when that Terraform began, in milliseconds since the epoch, by this machine's clock
 * @param operator ourselves, as `user@host`
 */
export function isLockOf(lock: StateLock, began: number, operator: string): boolean {
  const [, date, time] = /^(\S+) (\d+:\d+:\d+(?:\.\d+)?) (?:\+0000 )?UTC/.exec(lock.created) ?? []
  const created = Date.parse(`${date}T${time?.slice(0, 12)}Z`)
  return lock.who === operator && created >= began - CLOCK_SLACK_MS && created <= began + TAKES_LOCK_WITHIN_MS
}
