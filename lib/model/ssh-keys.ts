/** At the end of the lines that Terraform or the toolkit writes; every other line is somebody else's. */
const MANAGED = ' managed-by=threads-ops'

/**
 * The VM's metadata entry `ssh-keys` with exactly the operators' keys among the managed lines. Lines of others stay, such as
 * those of `gcloud compute ssh`.
 * @param current the entry: lines of `<user>:<key>`
 * @param operators managed lines
 */
export function withOperatorKeys(current: string, operators: readonly string[]): string {
  const lines = current.split('\n').filter(line => line.trim() !== '')
  const kept = lines.filter(line => operators.includes(line) || !line.endsWith(MANAGED))
  return [...kept, ...operators.filter(line => !lines.includes(line))].join('\n')
}

/** A key that somebody logs in with. */
export interface OwnKey {
  user: string
  /** Type and key, without a comment: `ssh-ed25519 AAAA…`. */
  key: string
}

/** How long a key that the toolkit adds lets in, and how long before its end it is renewed: no run takes that long. In milliseconds. */
const LASTS_MS = 12 * 3_600_000
const RENEWED_BEFORE_MS = 3_600_000

/** How long a key lets in: for good, or until a time in milliseconds since 1970. Undefined where it does not. */
export type Validity = { until?: number } | undefined

interface Entry extends OwnKey {
  /** Milliseconds since 1970; undefined without an expiry, NaN where the guest agent can't read it, which takes no such key. */
  expires?: number
}

/**
 * A line as the guest agent reads it: `<user>:<type> <key>`, and either any comment or `google-ssh {"userName":…,"expireOn":…}`.
 * @see https://cloud.google.com/compute/docs/connect/add-ssh-keys#metadata
 */
function entryOf(line: string): Entry | undefined {
  const [, user, type, key, mark, expiry] = /^\s*([^\s:]+):\s*(\S+)\s+(\S+)(?:\s+(\S+))?(?:\s+(.*\S))?\s*$/.exec(line) ?? []
  if (user === undefined || type === undefined || key === undefined) return undefined
  const entry = { user, key: `${type} ${key}` }
  return mark === 'google-ssh' ? { ...entry, expires: expiryIn(expiry ?? '') } : entry
}

function expiryIn(json: string): number {
  try {
    const { expireOn } = JSON.parse(json) as { expireOn?: unknown }
    // The zone has no colon, as ISO 8601 would have it.
    return Date.parse(String(expireOn).replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  } catch {
    return Number.NaN
  }
}

const isOf = (entry: Entry | undefined, { user, key }: OwnKey): entry is Entry => entry?.user === user && entry.key === key

/** How long these lines let a key in. */
export function validityIn(lines: string, own: OwnKey, now: Date): Validity {
  const entries = lines.split('\n').map(entryOf)
  const mine = entries.filter(entry => isOf(entry, own)).map(({ expires }) => expires ?? Number.POSITIVE_INFINITY)
  const until = Math.max(...mine.filter(expires => expires > now.getTime()))
  if (until === Number.NEGATIVE_INFINITY) return undefined
  return until === Number.POSITIVE_INFINITY ? {} : { until }
}

/** Whether a key is to be added, or added anew because it will soon let nobody in. */
export const isWanting = (validity: Validity, now: Date): boolean =>
  validity === undefined || (validity.until !== undefined && validity.until - now.getTime() < RENEWED_BEFORE_MS)

/** When a key that is added now expires; whole seconds, as it is written. */
export const expiryOf = (now: Date): Date => new Date(Math.floor((now.getTime() + LASTS_MS) / 1000) * 1000)

/**
 * The metadata entry `ssh-keys` with one's own key, in the form that gcloud gives a key with an expiry. It takes the place of those of this
 * user and key that expire; all other lines stay as they are.
 * @returns the same where nothing is wanting
 */
export function withOwnKey(current: string, own: OwnKey, now: Date): string {
  if (!isWanting(validityIn(current, own, now), now)) return current
  const kept = current.split('\n').filter(line => {
    const entry = entryOf(line)
    return !isOf(entry, own) || entry.expires === undefined || Number.isNaN(entry.expires)
  })
  const before = kept.join('\n').replace(/\n$/, '')
  return before === '' ? lineOf(own, expiryOf(now)) : `${before}\n${lineOf(own, expiryOf(now))}`
}

/** The lines of the entry `ssh-keys` without those of keys that expire. */
export const withoutExpiring = (current: string): string =>
  current
    .split('\n')
    .filter(line => entryOf(line)?.expires === undefined)
    .join('\n')

const lineOf = ({ user, key }: OwnKey, expiry: Date): string => {
  const expireOn = `${expiry.toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}+0000`
  // The Cloud console takes neither spaces nor another order.
  return `${user}:${key} google-ssh ${JSON.stringify({ userName: user, expireOn })}`
}
