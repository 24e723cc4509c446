import { stateFacts } from '../layer/state.ts'
import type { Change } from '../layer/stream.ts'

/** Facts of a layer's state that can't all stay the same if the state was written or the resources changed. */
export interface LayerProof {
  /** Of the state object in the bucket; every write makes a new one. */
  generation: string
  /** Of the object's bytes, base64, as the bucket keeps it. */
  md5: string
  serial: number
  lineage: string
  /** Number of managed resources. */
  resources: number
  /** SHA-256 of their addresses and ids. */
  resourceSet: string
}

/** A layer compared with the proof that was taken of it. */
export interface Comparison {
  layer: string
  moment: string
  at: string
  proof: LayerProof | null
  /** What a plan would change, drift included. Null where planning failed; `planError` says why. */
  plan: { empty: boolean; changes: Change[] } | null
  planError?: string
}

/** The proof in a state object; undefined where there is none, or the layer is not applied. */
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

/** Every fact of a proof next to the same fact later on, in reading order. */
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
