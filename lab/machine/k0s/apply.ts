import { type Api, ApiError } from '../node-agent/api.ts'
import { CHECKSUM, LAST_APPLIED, type Manifest, mergePatch, prepared, STACK } from './stack.ts'

/** A kind that the API server knows. */
interface Resource {
  /** Plural; with a slash for a subresource. */
  name: string
  kind: string
  namespaced: boolean
  verbs: string[]
}

/** Kinds that others need: a namespace for what is in it, a definition for what it defines. */
const FIRST = ['Namespace', 'CustomResourceDefinition']
/** A Service's endpoints have its labels, but no owner. */
const NEVER_PRUNED = ['Endpoints']

/**
 * Creates and updates a stack's objects, and deletes those that an earlier version of it had.
 * @throws Error when anything cannot be applied; then nothing is deleted
 */
export async function applyStack(api: Api, stack: string, manifests: readonly Manifest[]): Promise<void> {
  const kept = new Set<string>()
  for (const manifest of [...manifests].sort((one, other) => rank(one) - rank(other))) {
    kept.add(await applyObject(api, prepared(manifest, stack)))
  }
  const strays = (await objectsOf(api, stack)).filter(({ id }) => !kept.has(id))
  // What is in a namespace goes before the namespace.
  for (const { path } of strays.sort((one, other) => Number(other.namespaced) - Number(one.namespaced))) {
    await api.delete(path, { propagationPolicy: 'Foreground' }).catch(unlessGone)
  }
}

const rank = ({ kind, metadata }: Manifest): number => (FIRST.includes(kind) ? FIRST.indexOf(kind) : metadata.namespace ? 3 : 2)

/** @returns the object's id */
async function applyObject(api: Api, manifest: Manifest): Promise<string> {
  const { apiVersion, kind, metadata } = manifest
  const resource = (await resourcesIn(api, apiVersion)).find(found => found.kind === kind && !found.name.includes('/'))
  if (!resource) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`)
  if (resource.namespaced && !metadata.namespace)
    throw new Error(`cannot create resource ${metadata.name}: an empty namespace may not be set during creation`)
  const collection = collectionOf(apiVersion, resource, metadata.namespace)
  const path = `${collection}/${encodeURIComponent(metadata.name)}`
  const present = await api.find<Manifest>(path)
  const annotations = present?.metadata.annotations
  if (!present) await api.create(collection, manifest)
  else if (annotations?.[CHECKSUM] !== metadata.annotations?.[CHECKSUM]) {
    const last = JSON.parse(annotations?.[LAST_APPLIED] ?? '{}') as Record<string, unknown>
    await api.patch(path, mergePatch(last, manifest))
  }
  return idOf(apiVersion, kind, metadata)
}

/** An object's own, whatever the version in which it is read. */
const idOf = (version: string, kind: string, { name, namespace = '' }: Manifest['metadata']): string =>
  [version.includes('/') ? version.split('/')[0] : '', kind, namespace, name].join(' ')

/** A stack's objects, but for those that belong to another object. */
async function objectsOf(api: Api, stack: string): Promise<{ id: string; path: string; namespaced: boolean }[]> {
  const { groups } = await api.get<{ groups: { preferredVersion: { groupVersion: string } }[] }>('/apis')
  const versions = ['v1', ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)]
  const selector = `labelSelector=${encodeURIComponent(`${STACK}=${stack}`)}`
  const found = versions.map(async version => {
    const resources = (await resourcesIn(api, version)).filter(
      ({ name, kind, verbs }) =>
        !name.includes('/') && verbs.includes('list') && verbs.includes('delete') && !NEVER_PRUNED.includes(kind),
    )
    const lists = resources.map(async resource => {
      const { items } = await api
        .get<{ items: Pick<Manifest, 'metadata'>[] }>(`${collectionOf(version, resource)}?${selector}`)
        .catch(noneIfRefused)
      // Some servers list more than what is asked for.
      return items
        .filter(({ metadata }) => metadata.labels?.[STACK] === stack && !metadata.ownerReferences?.length)
        .map(({ metadata }) => ({
          id: idOf(version, resource.kind, metadata),
          path: `${collectionOf(version, resource, metadata.namespace)}/${encodeURIComponent(metadata.name)}`,
          namespaced: resource.namespaced,
        }))
    })
    return (await Promise.all(lists)).flat()
  })
  return (await Promise.all(found)).flat()
}

/** None for a group that nobody serves, such as that of an extension whose server is away. */
async function resourcesIn(api: Api, version: string): Promise<Resource[]> {
  try {
    return (await api.get<{ resources: Resource[] }>(rootOf(version))).resources
  } catch (error) {
    if (error instanceof ApiError) return []
    throw error
  }
}

const rootOf = (version: string): string => (version.includes('/') ? `/apis/${version}` : `/api/${version}`)

const collectionOf = (version: string, { name, namespaced }: Resource, namespace?: string): string =>
  `${rootOf(version)}/${namespaced && namespace ? `namespaces/${namespace}/` : ''}${name}`

/** As k0s: what cannot be listed is not pruned. */
function noneIfRefused(error: unknown): { items: [] } {
  if (error instanceof ApiError) return { items: [] }
  throw error
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 404)) throw error
}
