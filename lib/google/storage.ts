import type { AuthClient } from 'google-auth-library'
import { attempt, type Deadlines, statusOf } from '../runtime/attempt.ts'
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

/** One bucket, through the JSON API. */
export interface Store {
  name: string
  exists(): Promise<boolean>
  /** With versioning, uniform access and no public access, as a state bucket should be. */
  create(location: string, labels: Record<string, string>): Promise<void>
  /** Names of the objects with this prefix, sorted; none where there is no bucket. */
  list(prefix: string): Promise<string[]>
  /** The custom metadata of the objects with this prefix, by name; none where there is no bucket. */
  annotations(prefix: string): Promise<Map<string, Record<string, string>>>
  /** Adds to an object's custom metadata, or removes what is null. @returns false where that generation is gone */
  annotate(object: string, generation: string, metadata: Record<string, string | null>): Promise<boolean>
  /** What an object holds, in one request. Undefined when there is no such object, or no such bucket. */
  content(object: string): Promise<string | undefined>
  /** The same with what the bucket says of it, in two requests. */
  read(object: string): Promise<StoredObject | undefined>
  /**
   * `generation` '0' means that there must be none yet. @returns the new generation; undefined when there is another one by now, which
   * may be this very write's, whose first answer was lost: see `writeOver`
   */
  write(object: string, content: string, generation: string): Promise<string | undefined>
  /** Writes unconditionally. */
  put(object: string, content: string): Promise<void>
  /** @returns false when somebody else has written or removed it */
  remove(object: string, generation: string): Promise<boolean>
}

const NOT_FOUND = 404
const CONFLICT = 409
const PRECONDITION_FAILED = 412

export interface StoreOptions {
  /** `http://host:port` instead of Google's own. */
  endpoint?: string | undefined
  /** Ends what only reads; what begins once it is aborted is cleaning up, and runs. */
  signal?: AbortSignal | undefined
  /** Of each call. */
  deadlines?: Deadlines
}

/** Of one request. */
type RequestOptions = Parameters<AuthClient['request']>[0]
type GaxiosResponse<T> = Awaited<ReturnType<typeof AuthClient.prototype.request<T>>>

export const GOOGLE_STORAGE = 'https://storage.googleapis.com'

interface Metadata {
  name: string
  /** Decimal string. */
  generation: string
  md5Hash?: string
  /** RFC 3339. */
  updated?: string
  /** Whatever its writer wants to say of it. */
  metadata?: Record<string, string>
}

/**
 * The JSON API as it is, with Google's credentials: the official client ends the process over a list that it can't read, and its
 * requests can't be stopped. https://docs.cloud.google.com/storage/docs/json_api/v1
 * @param project of a bucket that is to be created: it is asked for only then
 */
export async function openStore(
  name: string,
  project: string | (() => Promise<string>),
  credentials: Credentials,
  { endpoint = GOOGLE_STORAGE, signal, deadlines }: StoreOptions = {},
): Promise<Store> {
  const client = await credentials.client()
  const base = endpoint.replace(/\/$/, '')
  const bucket = `${base}/storage/v1/b/${encodeURIComponent(name)}`
  const objectUrl = (object: string) => `${bucket}/o/${encodeURIComponent(object)}`

  const request = <T>(url: string, options: RequestOptions, stop: AbortSignal): Promise<GaxiosResponse<T>> =>
    client.request<T>({ responseType: 'json', retry: false, ...options, url, signal: stop })

  const ask = async <T>(url: string, options: RequestOptions, stop: AbortSignal): Promise<T> =>
    (await request<T>(url, options, stop)).data

  const call = <T>(
    what: string,
    reads: boolean,
    send: (stop: AbortSignal, number: number) => Promise<T>,
    expected: Record<number, T> = {},
  ) =>
    attempt<T>({
      service: 'Cloud Storage',
      what,
      hint: 'check the credentials and the bucket: `./taskw doctor`',
      repeatable: true,
      signal: reads && !signal?.aborted ? signal : undefined,
      deadlines,
      call: async (stop, number) => {
        try {
          return await send(stop, number)
        } catch (error) {
          const status = statusOf(error)
          if (status !== undefined && status in expected) return expected[status] as T
          throw error
        }
      },
    })

  const read = async (object: string, stop: AbortSignal): Promise<StoredObject> => {
    const url = objectUrl(object)
    for (;;) {
      const answer = await request<Metadata>(url, {}, stop)
      const { generation, md5Hash = '' } = legible(answer.data, 'generation')
      try {
        const content = await ask<string>(url, { params: { alt: 'media', generation }, responseType: 'text' }, stop)
        return { content, generation, md5: md5Hash, age: ageOf(answer) }
      } catch (error) {
        // It was written or removed between the two: that generation is gone, and the object may not be.
        if (statusOf(error) !== NOT_FOUND) throw error
      }
    }
  }

  /** @param fields of each object */
  const listed = (prefix: string, fields: string) =>
    call<Metadata[]>(
      `listing gs://${name}/${prefix}`,
      true,
      async stop => {
        const found: Metadata[] = []
        let pageToken: string | undefined
        do {
          const params = { prefix, fields: `items(${fields}),nextPageToken`, ...(pageToken !== undefined && { pageToken }) }
          const page = await ask<{ items?: Metadata[]; nextPageToken?: string }>(`${bucket}/o`, { params }, stop)
          found.push(...(legible(page).items ?? []).map(item => legible(item, 'name')))
          pageToken = page.nextPageToken
        } while (pageToken)
        return found
      },
      { [NOT_FOUND]: [] },
    )

  /** @param generation precondition, if any */
  const save = async (object: string, content: string, generation: string | undefined, stop: AbortSignal): Promise<string> => {
    const saved = await ask<Metadata>(
      `${base}/upload/storage/v1/b/${encodeURIComponent(name)}/o`,
      {
        method: 'POST',
        params: { uploadType: 'media', name: object, ...(generation !== undefined && { ifGenerationMatch: generation }) },
        headers: { 'content-type': 'application/json' },
        data: content,
      },
      stop,
    )
    return legible(saved, 'generation').generation
  }

  return {
    name,
    exists: () =>
      call(
        `reading bucket ${name}`,
        true,
        async stop => legible(await ask<{ name: string }>(bucket, { params: { fields: 'name' } }, stop), 'name') !== undefined,
        { [NOT_FOUND]: false },
      ),
    create: (location, labels) =>
      call(
        `creating bucket ${name}`,
        false,
        async stop => {
          const data = {
            name,
            location,
            labels,
            versioning: { enabled: true },
            iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
          }
          const params = { project: typeof project === 'string' ? project : await project() }
          await ask(`${base}/storage/v1/b`, { method: 'POST', params, data }, stop)
        },
        // Another run created it at the same moment.
        { [CONFLICT]: undefined },
      ),
    list: async prefix => (await listed(prefix, 'name')).map(item => item.name).sort(),
    annotations: async prefix =>
      new Map((await listed(prefix, 'name,metadata')).map(item => [item.name, item.metadata ?? {}] as const)),
    annotate: (object, generation, metadata) =>
      call(
        `writing the metadata of gs://${name}/${object}`,
        false,
        async stop => {
          const params = { ifGenerationMatch: generation }
          await ask(objectUrl(object), { method: 'PATCH', params, data: { metadata } }, stop)
          return true
        },
        { [NOT_FOUND]: false, [PRECONDITION_FAILED]: false },
      ),
    content: object =>
      call<string | undefined>(
        `reading gs://${name}/${object}`,
        true,
        stop => ask<string>(objectUrl(object), { params: { alt: 'media' }, responseType: 'text' }, stop),
        { [NOT_FOUND]: undefined },
      ),
    read: object =>
      call<StoredObject | undefined>(`reading gs://${name}/${object}`, true, stop => read(object, stop), {
        [NOT_FOUND]: undefined,
      }),
    write: (object, content, generation) =>
      call<string | undefined>(`writing gs://${name}/${object}`, false, stop => save(object, content, generation, stop), {
        [PRECONDITION_FAILED]: undefined,
      }),
    put: (object, content) =>
      call(`writing gs://${name}/${object}`, false, async stop => {
        await save(object, content, undefined, stop)
      }),
    remove: (object, generation) =>
      call(`deleting gs://${name}/${object}`, false, async (stop, number) => {
        try {
          const params = { ifGenerationMatch: generation }
          await ask(objectUrl(object), { method: 'DELETE', params, responseType: 'text' }, stop)
          return true
        } catch (error) {
          // An earlier attempt may have deleted it, and its answer been lost.
          if (statusOf(error) === NOT_FOUND) return number > 1
          if (statusOf(error) === PRECONDITION_FAILED) return false
          throw error
        }
      }),
  }
}

/**
 * Writes an object over a generation. Where the answer to a write was lost, what lies there tells whether it went through: content that
 * others write as well can't be told from one's own.
 * @returns the new generation, or what somebody else wrote; undefined where that is gone by now
 * @throws OpsError of the write, when it is not known to have gone through
 */
export async function writeOver(
  store: Pick<Store, 'read' | 'write'>,
  object: string,
  content: string,
  over: string,
): Promise<{ generation: string } | { found: StoredObject | undefined }> {
  const own = (found: StoredObject | undefined) => (found?.content === content && found.generation !== over ? found : undefined)
  try {
    const generation = await store.write(object, content, over)
    if (generation !== undefined) return { generation }
  } catch (error) {
    const written = own(await store.read(object).catch(() => undefined))
    if (written) return { generation: written.generation }
    throw error
  }
  const found = await store.read(object)
  const written = own(found)
  return written ? { generation: written.generation } : { found }
}

/** Both times are the store's: what the machines of two operators take for the time may be minutes apart. */
const ageOf = ({ headers, data: { updated = '' } }: GaxiosResponse<Metadata>): number =>
  Date.parse(headers.get('date') ?? '') - Date.parse(updated)

/** An answer as it should be: an object, with this member. */
function legible<T extends object>(answer: T, member?: keyof T): T {
  if (typeof answer !== 'object' || answer === null) throw new Error('its answer is not JSON')
  if (member !== undefined && typeof answer[member] !== 'string') throw new Error(`its answer has no ${String(member)}`)
  return answer
}
