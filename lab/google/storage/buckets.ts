import { checkLabels } from '../compute/resource.ts'
import { ApiError, invalid, required } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import { checkPreconditions } from './preconditions.ts'
import { bucketReply } from './representation.ts'
import type { Bucket, Store } from './store.ts'

const BUCKET_NAME = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/

/** `/storage/v1/b` as Google has it, `/b` as clients of an emulator ask for it. */
export const BASES = ['/storage/v1/b', '/b'] as const

export function serveBuckets(router: Router, store: Store): void {
  for (const base of BASES) {
    router.get(base, call => {
      if (!call.query.get('project')) throw required('project')
      const prefix = call.query.get('prefix') ?? ''
      const items = store.buckets.all().filter(({ name }) => name.startsWith(prefix))
      return { json: { kind: 'storage#buckets', items: items.map(bucket => bucketReply(bucket, call.origin)) } }
    })
    router.post(base, async call => ({ json: bucketReply(await insert(store, call), call.origin) }))
    router.get(`${base}/{bucket}`, call => {
      const bucket = store.bucket(call.param('bucket'))
      checkPreconditions(call.query, bucket, true)
      return { json: bucketReply(bucket, call.origin) }
    })
    const change = (whole: boolean) => async (call: Call) => {
      const bucket = store.bucket(call.param('bucket'))
      checkPreconditions(call.query, bucket)
      return { json: bucketReply(await update(store, bucket, await call.json(), whole), call.origin) }
    }
    router.patch(`${base}/{bucket}`, change(false))
    router.put(`${base}/{bucket}`, change(true))
    router.delete(`${base}/{bucket}`, async call => {
      const bucket = store.bucket(call.param('bucket'))
      checkPreconditions(call.query, bucket)
      if (store.list(bucket.name, true).length > 0) {
        throw new ApiError(409, 'conflict', 'The bucket you tried to delete is not empty.')
      }
      await store.buckets.delete(bucket.name)
      return { status: 204 }
    })
  }
}

async function insert(store: Store, call: Call): Promise<Bucket> {
  if (!call.query.get('project')) throw required('project')
  const sent = await call.json()
  if (typeof sent.name !== 'string' || !BUCKET_NAME.test(sent.name))
    throw invalid(`Invalid bucket name: '${String(sent.name)}'`)
  if (store.buckets.get(sent.name)) {
    throw new ApiError(409, 'conflict', 'Your previous request to create the named bucket succeeded and you already own it.')
  }
  const now = new Date().toISOString()
  const bucket: Bucket = {
    location: 'US-EAST1',
    locationType: 'region',
    storageClass: 'STANDARD',
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
    ...sent,
    labels: checkLabels(sent.labels),
    kind: 'storage#bucket',
    id: sent.name,
    name: sent.name,
    projectNumber: '843216957420',
    metageneration: '1',
    timeCreated: now,
    updated: now,
  }
  await store.buckets.put(bucket)
  return bucket
}

async function update(store: Store, bucket: Bucket, sent: Record<string, unknown>, whole: boolean): Promise<Bucket> {
  const { kind, id, name, timeCreated, location, locationType, storageClass, projectNumber } = bucket
  const fixed = { kind, id, name, timeCreated, location, locationType, storageClass, projectNumber }
  const changed: Bucket = {
    ...(whole ? {} : bucket),
    ...sent,
    ...fixed,
    metageneration: String(Number(bucket.metageneration) + 1),
    updated: new Date().toISOString(),
  }
  await store.buckets.put(changed)
  return changed
}
