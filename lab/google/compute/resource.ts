import { createHash, randomBytes } from 'node:crypto'
import { conditionNotMet, invalid, invalidField, required } from '../http/errors.ts'

/** The fields of every Compute API resource; unknown fields that a client sent are kept as well. */
export interface Resource {
  kind: string
  /** An unsigned 64-bit number as a decimal string. */
  id: string
  name: string
  creationTimestamp: string
  selfLink: string
  [field: string]: unknown
}

export type Labels = Record<string, string>

const ROOT = 'https://www.googleapis.com/compute/v1/'

/** The path `projects/…` of a link, a partial link or a path; relative to `project`. */
export function pathOf(link: string, project: string): string {
  const at = link.indexOf('projects/')
  return at >= 0 ? link.slice(at) : `projects/${project}/${link}`
}

export const linkTo = (path: string): string => `${ROOT}${path}`

/** The path of a link in Google's canonical form. */
export const pathOfLink = (link: string): string => link.slice(ROOT.length)

/** Any form of a reference as a link in Google's canonical form. */
export const canonicalLink = (link: string, project: string): string => linkTo(pathOf(link, project))

export const lastSegment = (link: string): string => link.slice(link.lastIndexOf('/') + 1)

export const pathOfResource = (resource: { selfLink: string }): string => pathOfLink(resource.selfLink)

/** The segment after `/<collection>/` in a path. */
export function segmentAfter(path: string, collection: string): string | undefined {
  const segments = path.split('/')
  const at = segments.indexOf(collection)
  return at < 0 ? undefined : segments[at + 1]
}

export const newId = (): string => (randomBytes(8).readBigUInt64BE() >> 1n).toString()

const pacificOffset = new Intl.DateTimeFormat('en-US', { timeZone: 'America/Los_Angeles', timeZoneName: 'longOffset' })

/** RFC 3339 with milliseconds and the Pacific offset, as the Compute API writes times. */
export function timestamp(at = new Date()): string {
  const zone = pacificOffset.formatToParts(at).find(part => part.type === 'timeZoneName')?.value ?? 'GMT-08:00'
  const offset = zone.slice('GMT'.length)
  const minutes = (offset.startsWith('-') ? -1 : 1) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6)))
  return new Date(at.getTime() + minutes * 60_000).toISOString().replace('Z', offset)
}

/** A fingerprint of a value in Google's form: eight bytes in URL-safe base64, padded. */
export function fingerprint(value: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(value ?? null))
  return `${hash.digest().subarray(0, 8).toString('base64url')}=`
}

const bytesOf = (text: unknown): string => Buffer.from(String(text), 'base64').toString('hex')

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/

/** @throws ApiError 400 unless the name follows RFC 1035 and has at most 63 characters */
export function checkName(name: unknown): string {
  if (name === undefined || name === '') throw required('resource.name')
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalidField('resource.name', name, `Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'`)
  }
  return name
}

const LABEL_KEY = /^\p{Ll}[\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u
const MOST_LABELS = 64

/** @throws ApiError 400 for labels that break Google's rules */
export function checkLabels(labels: unknown): Labels {
  if (labels === undefined || labels === null) return {}
  if (typeof labels !== 'object') throw invalidField('resource.labels', labels, 'Labels must be a map.')
  const entries = Object.entries(labels)
  if (entries.length > MOST_LABELS) throw invalid(`Resource has ${entries.length} labels, the maximum is ${MOST_LABELS}.`)
  for (const [key, value] of entries) {
    if (!LABEL_KEY.test(key)) throw invalidField('resource.labels', key, 'Must follow the rules for label keys.')
    if (typeof value !== 'string' || !LABEL_VALUE.test(value)) {
      throw invalidField('resource.labels', value, `The value of label '${key}' must follow the rules for label values.`)
    }
  }
  return labels as Labels
}

/** @throws ApiError 412 when the value has changed since the client read it; 400 without a fingerprint */
export function checkFingerprint(field: string, sent: unknown, current: unknown): void {
  if (sent === undefined || sent === '') throw required(field)
  if (bytesOf(sent) !== bytesOf(current))
    throw conditionNotMet(`Supplied fingerprint does not match current ${field} of the resource.`)
}

/** Whether a link occurs anywhere in a value. */
export function mentions(value: unknown, link: string): boolean {
  if (value === link) return true
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(inner => mentions(inner, link))
}
