import { projectNamed } from '../compute/catalogue.ts'
import { checkLabels } from '../compute/resource.ts'
import { ApiError, invalid, required } from '../http/errors.ts'
import { mergePatch } from '../http/merge-patch.ts'
import type { Call } from '../http/router.ts'
import type { Bucket, Store } from './store.ts'

/** https://cloud.google.com/storage/docs/buckets#naming */
const BUCKET_NAME = /^(?!goog)(?!.*(google|\.\.|-\.|\.-))[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/

export async function insertBucket(store: Store, call: Call): Promise<Bucket> {
  const project = call.query.get('project')
  if (!project) throw required('project')
  const { number: projectNumber } = projectNamed(project)
  const sent = await call.json()
  if (typeof sent.name !== 'string' || !BUCKET_NAME.test(sent.name) || ADDRESS.test(sent.name))
    throw invalid(`Invalid bucket name: '${String(sent.name)}'`)
  if (store.buckets.get(sent.name)) {
    throw new ApiError(409, 'conflict', 'Your previous request to create the named bucket succeeded and you already own it.')
  }
  const now = new Date().toISOString()
  const location = String(sent.location ?? 'US').toUpperCase()
  const bucket: Bucket = {
    storageClass: 'STANDARD',
    rpo: location.includes('-') ? undefined : 'DEFAULT',
    // No soft delete: what is deleted here is gone immediately.
    softDeletePolicy: { retentionDurationSeconds: '0' },
    ...sent,
    ...completeBucket(sent, now),
    location,
    locationType: location.includes('-') ? 'region' : 'multi-region',
    kind: 'storage#bucket',
    id: sent.name,
    name: sent.name,
    projectNumber,
    metageneration: '1',
    timeCreated: now,
    updated: now,
  }
  await store.buckets.put(bucket)
  return bucket
}

/** Objects have no access lists here: every bucket behaves as if an organization policy enforced uniform access. */
function completeBucket(sent: Record<string, unknown>, now: string) {
  const { labels, iamConfiguration = {} } = sent
  const { publicAccessPrevention = 'inherited' } = iamConfiguration as { publicAccessPrevention?: string }
  const uniform = { enabled: true, lockedTime: new Date(Date.parse(now) + UNIFORM_LOCKED_AFTER_MS).toISOString() }
  return {
    ...(labels === undefined ? {} : { labels: checkLabels(labels) }),
    iamConfiguration: { bucketPolicyOnly: uniform, uniformBucketLevelAccess: uniform, publicAccessPrevention },
  }
}

/** After this time uniform access can't be turned off. https://cloud.google.com/storage/docs/uniform-bucket-level-access */
const UNIFORM_LOCKED_AFTER_MS = 90 * 24 * 3600 * 1000

/** @param whole whether to remove fields that are not sent, as PUT does */
export async function updateBucket(
  store: Store,
  bucket: Bucket,
  sent: Record<string, unknown>,
  whole: boolean,
): Promise<Bucket> {
  const { kind, id, name, timeCreated, location, locationType, projectNumber } = bucket
  const now = new Date().toISOString()
  const changed = mergePatch(whole ? {} : bucket, sent)
  const next: Bucket = {
    storageClass: bucket.storageClass,
    ...changed,
    ...completeBucket(changed, timeCreated),
    ...{ kind, id, name, timeCreated, location, locationType, projectNumber },
    metageneration: String(Number(bucket.metageneration) + 1),
    updated: now,
  }
  await store.buckets.put(next)
  return next
}
