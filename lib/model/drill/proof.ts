import { stateFacts } from '../layer/state.ts'
import type { Change } from '../layer/stream.ts'

/** What can't stay the same when a layer's state was written, or its resources are others. */
export interface LayerProof {
  /** Of the state object in the bucket; every write makes a new one. */
  generation: string
  /** Of the object's bytes, base64, as the bucket keeps it. */
  md5: string
  serial: number
  lineage: string
  /** Number of managed resources. */
  resources: number
  /** SHA-256 over their addresses and ids. */
  resourceSet: string
}

/** A later look at a layer of which there is a proof. */
export interface Comparison {
  layer: string
  moment: string
  at: string
  proof: LayerProof | null
  /** What a plan would change, drift included. Null where it could not be told; `planError` says why. */
  plan: { empty: boolean; changes: Change[] } | null
  planError?: string
}

/** The proof from a state object; undefined where there is none, or it holds no applied layer. */
export function proofOf(object: { content: string; generation: string; md5: string } | undefined): LayerProof | undefined {
  if (!object) return undefined
  const { serial, lineage, resources, resourceSet, applied } = stateFacts(object.content)
  return applied ? { generation: object.generation, md5: object.md5, serial, lineage, resources, resourceSet } : undefined
}

const facts: { key: keyof LayerProof; name: string }[] = [
  { key: 'generation', name: 'generation' },
  { key: 'md5', name: 'MD5' },
  { key: 'serial', name: 'serial' },
  { key: 'lineage', name: 'lineage' },
  { key: 'resources', name: 'resources' },
  { key: 'resourceSet', name: 'resource set' },
]

/** Every fact of a proof beside those of later looks, in the order in which people read them. */
export const proofRows = (before: LayerProof, later: readonly (LayerProof | null)[]) =>
  facts.map(({ key, name }) => ({
    name,
    before: String(before[key]),
    later: later.map(proof => (proof ? String(proof[key]) : '–')),
    same: later.every(proof => proof?.[key] === before[key]),
  }))

/** What differs, as `serial 7 → 8`; nothing for an untouched layer. */
export const proofDifferences = (before: LayerProof, after: LayerProof): string[] =>
  facts
    .filter(({ key }) => before[key] !== after[key])
    .map(({ key, name }) =>
      key === 'md5' || key === 'resourceSet' ? `${name} differs` : `${name} ${before[key]} → ${after[key]}`,
    )
