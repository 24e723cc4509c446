import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { AuthClient } from 'google-auth-library'
import { attempt, type Deadlines, statusOf } from '../runtime/attempt.ts'
import { external, precondition } from '../runtime/errors.ts'
import type { Credentials } from './credentials.ts'
import { GOOGLE_STORAGE, type StoreOptions } from './storage.ts'

/** What was written. */
export interface Uploaded {
  /** Decimal string. */
  generation: string
  bytes: number
  /** Hexadecimal, of what was read from the source. */
  sha256: string
}

/** Objects of a bucket that are too large for memory. */
export interface LargeObjects {
  /**
   * Writes a new object from a stream, no faster than the bucket takes it; there is none until the stream has ended, and none if it fails.
   * @param progress called with how many bytes the bucket has
   * @throws the source's own error; OpsError 4 where there is such an object or no such bucket, 5 where the bucket fails, 124, 130
   */
  upload(object: string, source: Readable, progress?: (bytes: number) => void): Promise<Uploaded>
  /** An object's content, of that generation alone. @throws OpsError 4 where there is none; the stream fails where it is cut */
  download(object: string, generation: string): Promise<Readable>
}

const NOT_FOUND = 404
const PRECONDITION_FAILED = 412
/** Also of a session, once it has more to come. */
const INCOMPLETE = 308
const isAwaited = (status: number) => status === INCOMPLETE || (status >= 200 && status < 300)

/** A multiple of 256 KiB, as Google requires. A chunk is kept until the bucket has it. */
const CHUNK_BYTES = 8 * 2 ** 20
/** Of a chunk, over a slow line. */
const WITHIN: Deadlines = { each: 120_000, whole: 300_000 }

interface Metadata {
  generation?: string
  size?: string
}

/**
 * Resumable uploads as https://cloud.google.com/storage/docs/performing-resumable-uploads has them. The official client's need Google's own
 * endpoint: at another one they send no credentials.
 */
export async function openLargeObjects(
  bucket: string,
  credentials: Credentials,
  { endpoint = GOOGLE_STORAGE, signal, deadlines = WITHIN, chunk = CHUNK_BYTES }: StoreOptions & { chunk?: number } = {},
): Promise<LargeObjects> {
  const client = await credentials.client()
  const base = endpoint.replace(/\/$/, '')

  const call = <T>(what: string, send: (stop: AbortSignal, number: number) => Promise<T>) =>
    attempt<T>({
      ...{ service: 'Cloud Storage', what, hint: 'check the credentials and the bucket: `./taskw doctor`' },
      ...{ repeatable: true, signal, deadlines },
      call: async (stop, number) => {
        try {
          return await send(stop, number)
        } catch (error) {
          const status = statusOf(error)
          if (status === PRECONDITION_FAILED)
            throw precondition(`${what}: there is such an object already`, 'run it again: it takes another name', error)
          if (status === NOT_FOUND) throw precondition(`${what}: not found`, 'is it the right bucket? `./taskw doctor`', error)
          throw error
        }
      },
    })

  return {
    async upload(object, source, progress = () => undefined) {
      const what = `writing gs://${bucket}/${object}`
      const session = await call(what, stop => begin(client, `${base}/upload/storage/v1/b/${bucket}/o`, object, stop))
      const hash = createHash('sha256')
      let bytes = 0
      let written: Metadata | undefined
      try {
        for await (const { data, last } of chunksOf(source, chunk)) {
          hash.update(data)
          const from = bytes
          bytes += data.length
          const total = last ? bytes : undefined
          written = await call(what, (stop, number) =>
            send({ client, session, stop }, { data, from, total, resumed: number > 1 }),
          )
          progress(bytes)
        }
      } catch (error) {
        await client
          .request({ method: 'DELETE', url: session, retry: false, validateStatus: () => true })
          .catch(() => undefined)
        throw error
      }
      if (written?.generation === undefined || Number(written.size) !== bytes)
        throw external(`${what}: the bucket has ${written?.size ?? 'none'} of ${bytes} bytes`, 'run it again: it takes another')
      return { generation: written.generation, bytes, sha256: hash.digest('hex') }
    },

    download: (object, generation) =>
      call(`reading gs://${bucket}/${object}`, async () => {
        const url = `${base}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}`
        // Its deadline is that of the answer's beginning; the run's end ends the rest.
        const { data } = await client.request<Readable | ReadableStream>({
          ...{ url, params: { alt: 'media', generation }, responseType: 'stream', retry: false },
          ...(signal && { signal }),
        })
        return data instanceof Readable ? data : Readable.fromWeb(data as never)
      }),
  }
}

/** @returns the address of the upload's session */
async function begin(client: AuthClient, url: string, name: string, signal: AbortSignal): Promise<string> {
  const params = { uploadType: 'resumable', name, ifGenerationMatch: '0' }
  const headers = { 'content-type': 'application/json', 'x-upload-content-type': 'application/octet-stream' }
  const answer = await client.request({ method: 'POST', url, params, headers, data: '{}', retry: false, signal })
  const session = answer.headers.get('location')
  if (!session) throw new Error('its answer has no location')
  return session
}

interface Part {
  data: Buffer
  /** Where it begins in the object. */
  from: number
  /** The object's size, with its last part. */
  total: number | undefined
  /** An earlier attempt may have gone through, whole or in part. */
  resumed: boolean
}

/** Sends a part until the bucket has all of it. @returns the object's metadata after the last one */
async function send(
  { client, session, stop }: { client: AuthClient; session: string; stop: AbortSignal },
  { data, from, total, resumed }: Part,
): Promise<Metadata | undefined> {
  const size = total ?? '*'
  const end = from + data.length
  const put = async (range: string, body: Buffer) => {
    const headers = { 'content-range': `bytes ${range}/${size}`, 'content-type': 'application/octet-stream' }
    const asked = {
      method: 'PUT',
      url: session,
      headers,
      data: body,
      retry: false,
      signal: stop,
      validateStatus: isAwaited,
    } as const
    const answer = await client.request<Metadata>(asked)
    if (answer.status !== INCOMPLETE) return { data: answer.data }
    const kept = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1]
    return { has: kept === undefined ? 0 : Number(kept) + 1 }
  }
  let answer = resumed ? await put('*', Buffer.alloc(0)) : { has: from }
  for (;;) {
    if (answer.has === undefined) return answer.data
    const { has } = answer
    if (has === end && total === undefined) return undefined
    if (has < from || has > end) throw external(`the bucket has ${has} bytes of an upload at ${from}`, 'run it again')
    answer = await put(has === end ? '*' : `${has}-${end - 1}`, data.subarray(has - from))
    if (answer.has !== undefined && answer.has <= has) throw new Error(`it keeps ${answer.has} bytes of ${end}`)
  }
}

/** A stream in parts of a size; the last one is what is left, which may be nothing. */
async function* chunksOf(source: Readable, size: number): AsyncGenerator<{ data: Buffer; last: boolean }> {
  let pieces: Buffer[] = []
  let held = 0
  for await (const piece of source) {
    pieces.push(piece)
    held += piece.length
    if (held <= size) continue
    let rest = Buffer.concat(pieces)
    for (; rest.length > size; rest = rest.subarray(size)) yield { data: rest.subarray(0, size), last: false }
    pieces = [rest]
    held = rest.length
  }
  yield { data: Buffer.concat(pieces), last: true }
}
