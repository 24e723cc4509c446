import { createHash } from 'node:crypto'
import type { Json } from '../../runtime/json.ts'
import type { Values } from './planned.ts'
import { marksOf, masked, type PathStep } from './sensitive.ts'

/** What a Terraform state says, of which a script may rely. */
export interface StateFacts {
  serial: number
  lineage: string
  /** Number of managed resource instances. */
  resources: number
  /** SHA-256 over the sorted addresses and ids: the same set of resources gives the same hash. */
  resourceSet: string
  outputs: Record<string, Json>
  /** An object that exists is not a layer that is applied: `init` writes an empty state, `destroy` leaves one. */
  applied: boolean
}

/** One managed resource instance of a state. */
export interface StateResource {
  /** As Terraform writes it: `module.vpc["a"].google_compute_disk.boot[0]`. */
  address: string
  type: string
  /** Sensitive values are masked. */
  attributes: Values
  /** Key of an object that a replacement has left behind. */
  deposed?: string
  /** Its creation has begun and was not finished, or an operator has marked it so. */
  tainted?: true
}

interface RawInstance {
  index_key?: string | number
  deposed?: string
  status?: string
  attributes?: Values
  sensitive_attributes?: PathStep[][]
}

interface RawState {
  version?: number
  serial?: number
  lineage?: string
  outputs?: Record<string, { value: Json; sensitive?: boolean }>
  resources?: {
    mode: string
    module?: string
    type: string
    name: string
    instances?: RawInstance[]
  }[]
}

/** Name of the object in which Terraform's GCS backend keeps the state of the default workspace. */
export const stateObject = (prefix: string): string =>
  [...prefix.split('/').filter(part => part !== ''), 'default.tfstate'].join('/')

/** Facts from a state file of format 4; an empty text is a layer that has no state. @throws Error when it is another format */
export function stateFacts(text: string): StateFacts {
  if (text.trim() === '') return { serial: 0, lineage: '', resources: 0, resourceSet: '', outputs: {}, applied: false }
  const raw = parse(text)
  const instances = (raw.resources ?? [])
    .filter(({ mode }) => mode === 'managed')
    .flatMap(({ module, type, name, instances = [] }) =>
      instances.map(
        ({ index_key, attributes }) => `${module ?? ''}.${type}.${name}[${index_key ?? ''}]=${String(attributes?.id ?? '')}`,
      ),
    )
    .sort()
  return {
    serial: raw.serial ?? 0,
    lineage: raw.lineage ?? '',
    resources: instances.length,
    resourceSet: createHash('sha256').update(instances.join('\n')).digest('hex'),
    outputs: Object.fromEntries(Object.entries(raw.outputs ?? {}).map(([name, { value }]) => [name, value])),
    applied: instances.length > 0 || Object.keys(raw.outputs ?? {}).length > 0,
  }
}

/** The managed resource instances of a state file of format 4; none for an empty text. @throws Error when it is another format */
export function resourcesOf(text: string): StateResource[] {
  if (text.trim() === '') return []
  return (parse(text).resources ?? [])
    .filter(({ mode }) => mode === 'managed')
    .flatMap(({ module, type, name, instances = [] }) =>
      instances.map(({ index_key, deposed, status, attributes = {}, sensitive_attributes = [] }) => ({
        address: `${module === undefined ? '' : `${module}.`}${type}.${name}${indexOf(index_key)}`,
        type,
        attributes: masked(attributes, marksOf(sensitive_attributes), true),
        ...(deposed !== undefined && { deposed }),
        ...(status === 'tainted' && { tainted: true as const }),
      })),
    )
}

/** The texts among a state's sensitive outputs: of its resources, the sensitive values are masked. */
export function secretOutputs(text: string): string[] {
  if (text.trim() === '') return []
  const textsIn = (value: Json | undefined): string[] => {
    if (typeof value === 'string') return [value]
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
  }
  return Object.values(parse(text).outputs ?? {}).flatMap(({ value, sensitive }) => (sensitive === true ? textsIn(value) : []))
}

function parse(text: string): RawState {
  const raw = JSON.parse(text) as RawState
  if (raw.version !== 4) throw new Error(`state format ${raw.version}, expected 4`)
  return raw
}

/** A key is a quoted string of HCL, in which a template would begin with `${` or `%{`. */
function indexOf(key: string | number | undefined): string {
  if (key === undefined) return ''
  if (typeof key === 'number') return `[${key}]`
  return `[${JSON.stringify(key).replaceAll(/[$%](?=\{)/g, sign => sign + sign)}]`
}
