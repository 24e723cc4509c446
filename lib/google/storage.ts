import type { Bucket } from '@google-cloud/storage'
import { external, messageOf } from '../runtime/errors.ts'
import type { Credentials } from './credentials.ts'

export interface StoredObject {
  content: string
  /** Decimal string; the precondition of the next write. */
  generation: string
  /** Of the content, base64, as the bucket keeps it. */
  md5: string
  /** Milliseconds since it was last written, by the store's own clock; NaN where it does not say. */
  age: number
}

/** One bucket, through the official client. */
export interface Store {
  name: string
  exists(): Promise<boolean>
  /** With versioning, uniform access and no public access, as a state bucket should be. */
  create(location: string, labels: Record<string, string>): Promise<void>
  /** Names of the objects with this prefix, sorted; none where there is no bucket. */
  list(prefix: string): Promise<string[]>
  /** Undefined when there is no such object. */
  read(object: string): Promise<StoredObject | undefined>
  /** `generation` '0' means that there must be none yet. @returns the new generation, or undefined when somebody else was faster */
  write(object: string, content: string, generation: string): Promise<string | undefined>
  /** Writes unconditionally. */
  put(object: string, content: string): Promise<void>
  /** @returns false when somebody else has written or removed it */
  remove(object: string, generation: string): Promise<boolean>
}

const NOT_FOUND = 404
const CONFLICT = 409
const PRECONDITION_FAILED = 412

export async function openStore(name: string, project: string, credentials: Credentials, endpoint?: string): Promise<Store> {
  const { Storage } = await import('@google-cloud/storage')
  const storage = new Storage({
    projectId: project,
    authClient: await credentials.client(),
    ...(endpoint !== undefined && { apiEndpoint: endpoint, useAuthWithCustomEndpoint: true }),
  })
  const bucket: Bucket = storage.bucket(name)

  const attempt = async <T>(what: string, call: () => Promise<T>, expected: Record<number, T> = {}): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      const status = Number((error as { code?: unknown }).code)
      if (status in expected) return expected[status] as T
      throw external(`${what}: ${messageOf(error)}`, 'check the credentials and the bucket: `./taskw doctor`', error)
    }
  }

  return {
    name,
    exists: () => attempt(`reading bucket ${name}`, async () => (await bucket.exists())[0]),
    create: (location, labels) =>
      attempt(
        `creating bucket ${name}`,
        async () => {
          await storage.createBucket(name, {
            location,
            labels,
            versioning: { enabled: true },
            iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
          })
        },
        // Another run created it at the same moment.
        { [CONFLICT]: undefined },
      ),
    list: prefix =>
      attempt<string[]>(
        `listing gs://${name}/${prefix}`,
        async () => {
          const [files] = await bucket.getFiles({ prefix })
          return files.map(file => file.name).sort()
        },
        { [NOT_FOUND]: [] },
      ),
    read: object =>
      attempt<StoredObject | undefined>(
        `reading gs://${name}/${object}`,
        async () => {
          const file = bucket.file(object)
          const [metadata, answer] = await file.getMetadata()
          const generation = String(metadata.generation)
          const [content] = await bucket.file(object, { generation }).download()
          return { content: content.toString(), generation, md5: metadata.md5Hash ?? '', age: ageOf(metadata.updated, answer) }
        },
        { [NOT_FOUND]: undefined },
      ),
    write: (object, content, generation) =>
      attempt<string | undefined>(
        `writing gs://${name}/${object}`,
        async () => {
          const file = bucket.file(object)
          await file.save(content, {
            resumable: false,
            contentType: 'application/json',
            preconditionOpts: { ifGenerationMatch: generation },
          })
          return String(file.metadata.generation)
        },
        { [PRECONDITION_FAILED]: undefined },
      ),
    put: (object, content) =>
      attempt(`writing gs://${name}/${object}`, () =>
        bucket.file(object).save(content, { resumable: false, contentType: 'application/json' }),
      ),
    remove: (object, generation) =>
      attempt(
        `deleting gs://${name}/${object}`,
        async () => {
          await bucket.file(object).delete({ ifGenerationMatch: generation })
          return true
        },
        { [PRECONDITION_FAILED]: false, [NOT_FOUND]: false },
      ),
  }
}

/** Both times are the store's: what the machines of two operators take for the time may be minutes apart. */
function ageOf(updated: string | undefined, answer: unknown): number {
  const { date } = (answer as { headers?: { date?: string } } | undefined)?.headers ?? {}
  return Date.parse(date ?? '') - Date.parse(updated ?? '')
}
