import { createHash } from 'node:crypto'
import type { Json } from '../../runtime/json.ts'

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

interface RawState {
  version?: number
  serial?: number
  lineage?: string
  outputs?: Record<string, { value: Json }>
  resources?: {
    mode: string
    module?: string
    type: string
    name: string
    instances?: { index_key?: string | number; attributes?: { id?: unknown } }[]
  }[]
}

/** Facts from a state file of format 4; an empty text is a layer that has no state. @throws Error when it is another format */
export function stateFacts(text: string): StateFacts {
  if (text.trim() === '') return { serial: 0, lineage: '', resources: 0, resourceSet: '', outputs: {}, applied: false }
  const raw = JSON.parse(text) as RawState
  if (raw.version !== 4) throw new Error(`state format ${raw.version}, expected 4`)
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
