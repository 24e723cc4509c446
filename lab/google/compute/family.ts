import { alreadyExists, inUse } from '../http/errors.ts'
import { withoutUnset } from '../http/json.ts'
import { mergePatch } from '../http/merge-patch.ts'
import type { Call, Router } from '../http/router.ts'
import { allZones, regions } from './catalogue.ts'
import { type Cloud, type CollectionName, mutating, newResource, placeOf } from './cloud.ts'
import { aggregatedReply, listReply } from './list.ts'
import { checkQuota } from './quota.ts'
import {
  checkFingerprint,
  checkLabels,
  checkName,
  fingerprint,
  linkTo,
  mentions,
  pathOfLink,
  pathOfResource,
  type Resource,
} from './resource.ts'

type Scope = 'global' | 'region' | 'zone'

/** A simple kind of resource: it can be inserted, patched and deleted. */
export interface Family {
  collection: CollectionName
  /** `compute#network` */
  kind: string
  scope: Scope
  /** Adds the computed fields and turns references into links, at creation and after a patch. @throws ApiError 400 */
  complete?: (resource: Resource, cloud: Cloud) => Resource
  /** The resource as the API returns it, where that depends on other resources. */
  view?: (resource: Resource, cloud: Cloud) => Resource
  /** Called after the resource was created. */
  created?: (resource: Resource, cloud: Cloud) => Promise<void>
  /** Called after the resource was deleted. */
  deleted?: (resource: Resource, cloud: Cloud) => Promise<void>
  /** Called before the resource is deleted, and before it is checked for users. */
  deleting?: (resource: Resource, cloud: Cloud) => Promise<void>
  /** Collections whose resources prevent deletion as long as they refer to this one. */
  usedBy?: CollectionName[]
  /** Links of other resources that prevent deletion. */
  users?: (cloud: Cloud, resource: Resource) => string[]
}

const places: Record<Scope, string> = { global: 'global', region: 'regions/{region}', zone: 'zones/{zone}' }

export const routeOf = (scope: Scope, collection: CollectionName): string =>
  `/compute/v1/projects/{project}/${places[scope]}/${collection}`

const scopesOf: Record<Scope, (project: string) => string[]> = {
  global: () => ['global'],
  region: project => regions(project).map(({ name }) => `regions/${name}`),
  zone: project => allZones(project).map(({ name }) => `zones/${name}`),
}

const same = (resource: Resource): Resource => resource

/** Get, list and aggregated list: the same for every kind. */
export function serveReading(router: Router, cloud: Cloud, { collection, kind, scope, view = same }: Family): void {
  const route = routeOf(scope, collection)
  const below = (prefix: string) =>
    cloud
      .all(collection)
      .filter(({ selfLink }) => selfLink.startsWith(linkTo(prefix)))
      .map(resource => view(resource, cloud))
  router.get(route, call => listReply(call, kind, below(`${placeOf(call)}/${collection}/`)))
  router.get(`${route}/{name}`, call => ({ json: view(cloud.get(collection, pathIn(call, collection)), cloud) }))
  router.get(`/compute/v1/projects/{project}/aggregated/${collection}`, call => {
    const project = call.param('project')
    return aggregatedReply(call, kind, collection, scopesOf[scope](project), below(`projects/${project}/`))
  })
}

/** `projects/…/<collection>/<name>` of a call. @throws ApiError 404 for an unknown place. */
export const pathIn = (call: Call, collection: CollectionName): string => `${placeOf(call)}/${collection}/${call.param('name')}`

/** @throws ApiError 409 */
export function checkFree(cloud: Cloud, collection: CollectionName, path: string): void {
  if (cloud.find(collection, path)) throw alreadyExists(path)
}

/** @throws ApiError 400 resourceInUseByAnotherResource */
export function checkUnused(cloud: Cloud, resource: Resource, family: Family): void {
  const [first] = family.users?.(cloud, resource) ?? []
  if (first) throw inUse(family.kind.slice('compute#'.length), pathOfResource(resource), pathOfLink(first))
  for (const collection of family.usedBy ?? []) {
    const user = cloud.all(collection).find(candidate => mentions(candidate, resource.selfLink))
    if (user) throw inUse(family.kind.slice('compute#'.length), pathOfResource(resource), pathOfResource(user))
  }
}

/** Everything that a simple kind needs. */
export function serveFamily(router: Router, cloud: Cloud, family: Family): void {
  const { collection, kind, scope, complete = same } = family
  const route = routeOf(scope, collection)
  serveReading(router, cloud, family)

  router.post(
    route,
    mutating(cloud, async call => {
      const sent = await call.json()
      const path = `${placeOf(call)}/${collection}/${checkName(sent.name)}`
      checkFree(cloud, collection, path)
      const resource = complete(newResource(kind, path, { ...sent, ...placeFields(path) }), cloud)
      checkQuota(cloud, collection, resource)
      const operation = cloud.operations.begin({ ...asked(call), type: 'insert', target: path, targetId: resource.id })
      await cloud.put(collection, resource)
      await family.created?.(resource, cloud)
      return operation
    }),
  )

  const change = (type: 'patch' | 'update') =>
    mutating(cloud, async call => {
      const changes = await call.json()
      const path = pathIn(call, collection)
      const { id, kind, name, selfLink, creationTimestamp, ...current } = cloud.get(collection, path)
      if (changes.fingerprint !== undefined) checkFingerprint('fingerprint', changes.fingerprint, current.fingerprint)
      const fixed = { id, kind, name, selfLink, creationTimestamp, ...placeFields(path) }
      const changed = complete({ ...withoutUnset(mergePatch(type === 'patch' ? current : {}, changes)), ...fixed }, cloud)
      const operation = cloud.operations.begin({ ...asked(call), type, target: path, targetId: id })
      await cloud.put(collection, changed)
      return operation
    })
  router.patch(`${route}/{name}`, change('patch'))
  router.put(`${route}/{name}`, change('update'))

  router.delete(
    `${route}/{name}`,
    mutating(cloud, async call => {
      const path = pathIn(call, collection)
      const resource = cloud.get(collection, path)
      await family.deleting?.(resource, cloud)
      checkUnused(cloud, resource, family)
      const operation = cloud.operations.begin({ ...asked(call), type: 'delete', target: path, targetId: resource.id })
      await cloud.delete(collection, path)
      await family.deleted?.(resource, cloud)
      return operation
    }),
  )
}

/** The part of a call that its operation keeps. */
export const asked = (call: Call) => ({ requestId: call.query.get('requestId') ?? undefined })

/** The links to its zone or region that a resource carries. */
export function placeFields(path: string): { zone?: string; region?: string } {
  const place = path.split('/').slice(0, 4).join('/')
  if (place.includes('/zones/')) return { zone: linkTo(place) }
  return place.includes('/regions/') ? { region: linkTo(place) } : {}
}

/** `setLabels` of any labelled kind: replaces all labels, if the client knows the current fingerprint. */
export function serveSetLabels(router: Router, cloud: Cloud, { collection, scope }: Family): void {
  router.post(
    `${routeOf(scope, collection)}/{name}/setLabels`,
    mutating(cloud, async call => {
      const sent = await call.json()
      const path = pathIn(call, collection)
      const resource = cloud.get(collection, path)
      checkFingerprint('labelFingerprint', sent.labelFingerprint, resource.labelFingerprint)
      const labels = checkLabels(sent.labels)
      const operation = cloud.operations.begin({ ...asked(call), type: 'setLabels', target: path, targetId: resource.id })
      await cloud.patch(collection, path, { labels, labelFingerprint: fingerprint(labels) })
      return operation
    }),
  )
}
