import { invalidField } from '../http/errors.ts'
import { fingerprint } from './resource.ts'

/** Keys and values that guests can read: an instance's own, or a project's, which all its instances share. */
export interface Metadata {
  fingerprint: string
  items?: { key: string; value: string }[]
  [field: string]: unknown
}

const METADATA_KEY = /^[a-zA-Z0-9_-]{1,128}$/
const LONGEST_METADATA_VALUE = 256 * 1024
const LARGEST_METADATA = 512 * 1024

/** @throws ApiError 400 for keys and values that Google rejects */
export function completeMetadata(sent: unknown): Metadata {
  const { items = [], ...rest } = (sent ?? {}) as Partial<Metadata>
  for (const { key, value } of items) {
    if (!METADATA_KEY.test(key))
      throw invalidField('metadata.items[].key', key, 'Must be a match of regex [a-zA-Z0-9_-]{1,128}')
    if ((value?.length ?? 0) > LONGEST_METADATA_VALUE) throw invalidField('metadata.items[].value', key, 'Value is too large.')
  }
  const size = items.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
  if (size > LARGEST_METADATA) throw invalidField('metadata.items', size, 'All metadata together are too large.')
  const keys = items.map(({ key }) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice) throw invalidField('metadata.items[].key', twice, 'Metadata has duplicate keys.')
  return { kind: 'compute#metadata', ...rest, ...(items.length > 0 ? { items } : {}), fingerprint: fingerprint(items) }
}
