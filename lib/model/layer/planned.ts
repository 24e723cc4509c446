import type { Json } from '../../runtime/json.ts'

export type Values = Record<string, Json>

/** What a saved plan does to one resource: an entry of `resource_changes` of `terraform show -json`. https://developer.hashicorp.com/terraform/internals/json-format#change-representation */
export interface PlannedResource {
  address: string
  /** Where it was before a `moved` block. */
  previousAddress?: string
  /** Key of a deposed object: what an interrupted replacement left behind under this address. */
  deposed?: string
  mode: string
  type: string
  name: string
  /** `['no-op']`, `['create']`, `['read']`, `['update']`, `['delete']`, `['forget']`; two of them for a replacement, in their order. */
  actions: readonly string[]
  /** Terraform's own word for why, such as `replace_because_tainted`. */
  reason?: string
  /** Sensitive values are masked. */
  before: Values | null
  /** Without what is known only after the apply; masked as well. */
  after: Values | null
  importing?: { id: string }
}

/** A replacement creates, too. */
export const creates = ({ mode, actions, importing }: PlannedResource): boolean =>
  mode === 'managed' && importing === undefined && actions.includes('create')

/** What is only forgotten (a `removed` block) or moved goes on existing. */
export const destroys = ({ mode, actions }: PlannedResource): boolean => mode === 'managed' && actions.includes('delete')

const TYPE = /(?:^|\.)([a-z][a-z0-9_-]*)\.[\w-]+(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?$/

/** The resource type that an address ends in; '' for what is no resource's address. */
export const typeOf = (address: string): string => TYPE.exec(address)?.[1] ?? ''

/** A value that is a text and not empty. */
export const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** The first of a nested block's instances: the JSON of a plan has a list for a block, even for one that there may be only once. */
export function block(values: Values | null | undefined, name: string): Values | undefined {
  const value = values?.[name]
  return record(Array.isArray(value) ? value[0] : value)
}

/** A value that is an object. */
export const record = (value: Json | undefined): Values | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : undefined

/** The last part of a resource path or URL, which is the object's name; a name is its own. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
