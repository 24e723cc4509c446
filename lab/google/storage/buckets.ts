import { projectNamed } from '../compute/catalogue.ts'
import { ApiError, required } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import type { Policies, Policy } from '../policies.ts'
import { insertBucket, updateBucket } from './bucket.ts'
import { checkPreconditions } from './preconditions.ts'
import { bucketReply } from './representation.ts'
import type { Bucket, Store } from './store.ts'

/** `/storage/v1/b` is Google's path, `/b` the one that clients use with an emulator. */
export const BASES = ['/storage/v1/b', '/b'] as const

export function serveBuckets(router: Router, store: Store, policies: Policies): void {
  for (const base of BASES) {
    router.get(base, call => ({ json: list(store, call) }))
    router.post(base, async call => ({ json: bucketReply(await insertBucket(store, call), call.origin) }))
    router.get(`${base}/{bucket}`, call => {
      const bucket = store.bucket(call.param('bucket'))
      checkPreconditions(call.query, bucket, true)
      return { json: bucketReply(bucket, call.origin) }
    })
    const change = (whole: boolean) => async (call: Call) => {
      const bucket = store.bucket(call.param('bucket'))
      checkPreconditions(call.query, bucket)
      return { json: bucketReply(await updateBucket(store, bucket, await call.json(), whole), call.origin) }
    }
    router.patch(`${base}/{bucket}`, change(false))
    router.put(`${base}/{bucket}`, change(true))
    router.delete(`${base}/{bucket}`, async call => {
      const bucket = store.bucket(call.param('bucket'))
      checkPreconditions(call.query, bucket)
      if (store.list(bucket.name, true).length > 0) {
        throw new ApiError(409, 'conflict', 'The bucket you tried to delete is not empty.')
      }
      await Promise.all([store.buckets.delete(bucket.name), policies.delete(resourceOf(bucket))])
      return { status: 204 }
    })
    router.get(`${base}/{bucket}/storageLayout`, call => {
      const { name: bucket, location, locationType } = store.bucket(call.param('bucket'))
      return {
        json: { kind: 'storage#storageLayout', bucket, location, locationType, hierarchicalNamespace: { enabled: false } },
      }
    })
    // Clients list managed folders, which can't be created here.
    router.get(`${base}/{bucket}/managedFolders`, call => {
      store.bucket(call.param('bucket'))
      return { json: { kind: 'storage#managedFolders' } }
    })
    servePolicy(router, base, store, policies)
  }
}

const resourceOf = ({ name }: Bucket): string => `buckets/${name}`

function servePolicy(router: Router, base: string, store: Store, policies: Policies): void {
  const answer = (bucket: Bucket, policy: Policy) => ({
    json: { kind: 'storage#policy', resourceId: `projects/_/buckets/${bucket.name}`, bindings: [], ...policy },
  })
  router.get(`${base}/{bucket}/iam`, call => {
    const bucket = store.bucket(call.param('bucket'))
    return answer(bucket, policies.get(resourceOf(bucket)))
  })
  router.put(`${base}/{bucket}/iam`, async call => {
    const bucket = store.bucket(call.param('bucket'))
    const { bindings, etag, version } = await call.json<Policy>()
    const policy = { ...(bindings && { bindings }), ...(etag && { etag }), ...(version && { version }) }
    return answer(bucket, await policies.set(resourceOf(bucket), policy))
  })
  router.get(`${base}/{bucket}/iam/testPermissions`, call => {
    store.bucket(call.param('bucket'))
    return { json: { kind: 'storage#testIamPermissionsResponse', permissions: call.query.getAll('permissions') } }
  })
}

const LARGEST_PAGE = 1000

function list(store: Store, { query, origin }: Call): object {
  const project = query.get('project')
  if (!project) throw required('project')
  const { number } = projectNamed(project)
  const [prefix, token] = [query.get('prefix') ?? '', query.get('pageToken')]
  const after = token ? Buffer.from(token, 'base64url').toString() : ''
  const rest = store.buckets
    .all()
    .filter(({ name, projectNumber }) => projectNumber === number && name.startsWith(prefix) && name > after)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
  const items = rest.slice(0, Number(query.get('maxResults')) || LARGEST_PAGE)
  const last = items.at(-1)?.name ?? ''
  return {
    kind: 'storage#buckets',
    ...(rest.length > items.length && { nextPageToken: Buffer.from(last).toString('base64url') }),
    ...(items.length > 0 && { items: items.map(bucket => bucketReply(bucket, origin)) }),
  }
}
