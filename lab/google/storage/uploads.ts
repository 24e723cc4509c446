import { randomUUID } from 'node:crypto'
import { ApiError, invalid, invalidField, required } from '../http/errors.ts'
import { parseMultipart } from '../http/multipart.ts'
import { type Call, parseObject, type Reply, type Router } from '../http/router.ts'
import { BASES } from './buckets.ts'
import { crc32c, md5 } from './checksums.ts'
import { checkPreconditions } from './preconditions.ts'
import { objectReply } from './representation.ts'
import type { Store, StoredObject } from './store.ts'
import { writable } from './writable.ts'

/** A resumable upload in progress. It does not survive a restart: the client gets a 404 and starts over, as Google requires. */
interface Session {
  bucket: string
  metadata: Record<string, unknown>
  query: URLSearchParams
  received: Buffer
}

/**
 * All chunks but the last are kept in multiples of this size; the client sends the rest again.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
 */
const PERSISTED_BYTES = 256 * 1024

export function serveUploads(router: Router, store: Store): void {
  const sessions = new Map<string, Session>()
  // The Cloud SDK starts resumable uploads below `/resumable`.
  for (const base of BASES.flatMap(path => [`/upload${path}`, `/resumable/upload${path}`])) {
    const route = `${base}/{bucket}/o`
    router.post(route, call => {
      store.bucket(call.param('bucket'))
      const type = call.query.get('uploadType')
      if (type === 'multipart') return multipart(store, call)
      if (type === 'media') return media(store, call)
      if (type === 'resumable') return begin(sessions, call, route.replace('{bucket}', call.param('bucket')))
      throw invalidField('uploadType', type, 'Must be media, multipart or resumable.')
    })
    router.put(route, call => proceed(store, sessions, call))
    router.delete(route, call => {
      sessions.delete(call.query.get('upload_id') ?? '')
      // Google's status for an upload that the client has cancelled.
      return { status: 499 }
    })
  }
}

async function multipart(store: Store, call: Call): Promise<Reply> {
  const [description, content] = parseMultipart(call.header('content-type') ?? '', await call.body())
  if (!description || !content) throw invalid('A multipart upload has two parts.', 'badContent')
  const metadata = parseObject(description.content.toString()) as Record<string, unknown>
  const type = metadata.contentType ?? content.headers['content-type']
  return stored(
    call,
    await finish(store, call.param('bucket'), content.content, { ...metadata, contentType: type }, call.query),
  )
}

async function media(store: Store, call: Call): Promise<Reply> {
  const metadata = { contentType: call.header('content-type') }
  return stored(call, await finish(store, call.param('bucket'), await call.body(), metadata, call.query))
}

async function begin(sessions: Map<string, Session>, call: Call, path: string): Promise<Reply> {
  const metadata = await call.json()
  const id = randomUUID()
  const contentType = metadata.contentType ?? call.header('x-upload-content-type')
  const { query } = call
  sessions.set(id, { bucket: call.param('bucket'), metadata: { ...metadata, contentType }, query, received: Buffer.alloc(0) })
  const location = `${call.origin}${path}?uploadType=resumable&upload_id=${id}`
  return { content: Buffer.alloc(0), headers: { location, 'x-guploader-uploadid': id } }
}

/** Accepts a chunk (`bytes 0-99/*`, `bytes 100-149/150`) or reports the progress (`bytes *\/150`). */
async function proceed(store: Store, sessions: Map<string, Session>, call: Call): Promise<Reply> {
  const id = call.query.get('upload_id') ?? ''
  const session = sessions.get(id)
  if (!session) throw new ApiError(404, 'notFound', 'No such upload.')
  const chunk = await call.body()
  const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(
    call.header('content-range') ?? `bytes 0-${chunk.length - 1}/${chunk.length}`,
  )
  if (call.header('content-range') && !range) throw invalidField('Content-Range', call.header('content-range'), 'Is malformed.')
  const [, from, , total] = range ?? []
  if (from !== undefined || chunk.length > 0) {
    const start = Number(from ?? 0)
    if (start > session.received.length) throw invalid('The chunk leaves a gap.', 'invalid')
    // A client that got no acknowledgement sends the same bytes again.
    session.received = Buffer.concat([session.received.subarray(0, start), chunk])
  }
  const size = total === undefined || total === '*' ? undefined : Number(total)
  const complete = size === undefined ? !range : session.received.length >= size
  if (!complete) {
    session.received = session.received.subarray(0, session.received.length - (session.received.length % PERSISTED_BYTES))
    const { length } = session.received
    return { status: 308, headers: { 'content-length': '0', ...(length > 0 ? { range: `bytes=0-${length - 1}` } : {}) } }
  }
  const object = await finish(store, session.bucket, session.received, session.metadata, session.query)
  sessions.delete(id)
  return stored(call, object)
}

function finish(
  store: Store,
  bucket: string,
  content: Buffer,
  metadata: Record<string, unknown>,
  query: URLSearchParams,
): Promise<StoredObject> {
  const name = query.get('name') ?? metadata.name
  if (typeof name !== 'string' || name === '') throw required('name')
  checkObjectName(name)
  if (metadata.md5Hash && metadata.md5Hash !== md5(content))
    throw invalid('The MD5 you specified did not match what we computed.')
  if (metadata.crc32c && metadata.crc32c !== crc32c(content)) {
    throw invalid('The CRC32C you specified did not match what we computed.')
  }
  return store.write(bucket, name, content, writable(metadata), current => checkPreconditions(query, current))
}

/** @throws ApiError 400 https://cloud.google.com/storage/docs/objects#naming */
export function checkObjectName(name: string): void {
  if (Buffer.byteLength(name) > 1024 || /[\r\n]/.test(name) || name === '.' || name === '..') {
    throw invalid(`Invalid object name: '${name}'`)
  }
}

const stored = (call: Call, object: StoredObject): Reply => ({ json: objectReply(object, call.origin) })
