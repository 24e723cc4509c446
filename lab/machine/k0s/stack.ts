import { createHash } from 'node:crypto'
import { parseAllDocuments } from 'yaml'

/** An object of Kubernetes as a file describes it. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    ownerReferences?: object[]
  }
  [section: string]: unknown
}

/** Which stack an object belongs to. https://docs.k0sproject.io/stable/manifests/ */
export const STACK = 'k0s.k0sproject.io/stack'
export const CHECKSUM = 'k0s.k0sproject.io/stack-checksum'
export const LAST_APPLIED = 'k0s.k0sproject.io/last-applied-configuration'

/** The objects in a file; documents that describe none are passed over. @throws Error for what is no YAML */
export function parseManifests(text: string): Manifest[] {
  const documents = [...parseAllDocuments(text)]
  const [failure] = documents.flatMap(({ errors }) => errors)
  if (failure) throw failure
  return documents.flatMap(document => objectsIn(document.toJS()))
}

function objectsIn(value: unknown): Manifest[] {
  if (!isObject(value) || !value.apiVersion || !value.kind) return []
  if (value.kind === 'List' && Array.isArray(value.items)) return value.items.flatMap(objectsIn)
  return [value as unknown as Manifest]
}

/** As k0s sends it: with its stack, the checksum of its content, and all of that as what was applied last. */
export function prepared(manifest: Manifest, stack: string): Manifest {
  const { metadata } = manifest
  const labelled = { ...manifest, metadata: { ...metadata, labels: { ...metadata.labels, [STACK]: stack } } }
  const checksum = createHash('md5').update(JSON.stringify(labelled)).digest('hex')
  const annotated = (annotations: Record<string, string>): Manifest => ({
    ...labelled,
    metadata: { ...labelled.metadata, annotations: { ...metadata.annotations, ...annotations } },
  })
  return annotated({ [CHECKSUM]: checksum, [LAST_APPLIED]: JSON.stringify(annotated({ [CHECKSUM]: checksum })) })
}

/** The JSON merge patch (RFC 7386) that makes one object of another. */
export function mergePatch(from: Record<string, unknown>, to: Record<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const name of Object.keys(from)) if (!(name in to)) patch[name] = null
  for (const [name, value] of Object.entries(to)) {
    const earlier = from[name]
    if (isObject(earlier) && isObject(value)) {
      const within = mergePatch(earlier, value)
      if (Object.keys(within).length > 0) patch[name] = within
    } else if (JSON.stringify(earlier) !== JSON.stringify(value)) patch[name] = value
  }
  return patch
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
