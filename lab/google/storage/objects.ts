import { invalidField } from '../http/errors.ts'
import { mergePatch } from '../http/merge-patch.ts'
import type { Call, Reply, Router } from '../http/router.ts'
import { BASES } from './buckets.ts'
import { checkPreconditions } from './preconditions.ts'
import { etagOf, objectReply } from './representation.ts'
import type { Store, StoredObject } from './store.ts'
import { noSettings, writable } from './writable.ts'

const LARGEST_PAGE = 1000

export function serveObjects(router: Router, store: Store): void {
  for (const base of BASES) {
    router.get(`${base}/{bucket}/o`, call => list(store, call))
    router.get(`${base}/{bucket}/o/{+object}`, call =>
      call.query.get('alt') === 'media' ? download(store, call) : get(store, call),
    )
    const change = (whole: boolean) => async (call: Call) => {
      const object = named(store, call)
      checkPreconditions(call.query, object)
      const settings = mergePatch(whole ? {} : writable(object), writable(await call.json()))
      return { json: objectReply(await store.patch(object, { ...noSettings, ...settings }), call.origin) }
    }
    router.patch(`${base}/{bucket}/o/{+object}`, change(false))
    router.put(`${base}/{bucket}/o/{+object}`, change(true))
    router.delete(`${base}/{bucket}/o/{+object}`, async call => {
      const object = named(store, call)
      checkPreconditions(call.query, object)
      await store.delete(object, call.query.has('generation'))
      return { status: 204 }
    })
    router.get(`/download${base}/{bucket}/o/{+object}`, call => download(store, call))
  }
}

/** The XML API's path of an object, `/<bucket>/<object>`. It matches almost anything, so it is registered last. */
export function serveXmlReads(router: Router, store: Store): void {
  router.get('/{bucket}/{+object}', call => download(store, call))
  router.on('HEAD', '/{bucket}/{+object}', async call => {
    const { content, ...reply } = await download(store, call)
    return { ...reply, headers: { ...reply.headers, 'content-length': String(content?.length ?? 0) } }
  })
}

const named = (store: Store, call: Call): StoredObject =>
  store.get(call.param('bucket'), call.param('object'), call.query.get('generation'))

function get(store: Store, call: Call): Reply {
  const object = named(store, call)
  checkPreconditions(call.query, object, true)
  return { json: objectReply(object, call.origin), headers: { etag: etagOf(object) } }
}

function list(store: Store, call: Call): Reply {
  const { query, origin } = call
  const bucket = store.bucket(call.param('bucket')).name
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? '']
  const token = query.get('pageToken')
  const size = Math.min(Number(query.get('maxResults') || LARGEST_PAGE), LARGEST_PAGE)
  if (!(size >= 0)) throw invalidField('maxResults', query.get('maxResults'), 'Must be a number.')
  const after = token ? Buffer.from(token, 'base64url').toString() : ''
  const [start, end] = [query.get('startOffset') ?? '', query.get('endOffset')]

  const items: StoredObject[] = []
  const prefixes = new Set<string>()
  let last = ''
  let more = false
  for (const object of store.list(bucket, call.flag('versions'))) {
    const { name } = object
    if (!name.startsWith(prefix) || name < start || (end && name >= end)) continue
    const at = delimiter ? name.indexOf(delimiter, prefix.length) : -1
    const folder = at < 0 ? undefined : name.slice(0, at + delimiter.length)
    const place = placeOf(object, folder)
    if (place <= after || (folder && prefixes.has(folder))) continue
    if (items.length + prefixes.size === size) {
      more = true
      break
    }
    if (folder) prefixes.add(folder)
    else items.push(object)
    last = place
  }
  return {
    json: {
      kind: 'storage#objects',
      ...(more ? { nextPageToken: Buffer.from(last).toString('base64url') } : {}),
      ...(prefixes.size > 0 ? { prefixes: [...prefixes] } : {}),
      ...(items.length > 0 ? { items: items.map(item => objectReply(item, origin)) } : {}),
    },
  }
}

/** A position in a listing; a folder comes after everything in it. */
const placeOf = ({ name, generation }: StoredObject, folder?: string): string =>
  folder ? `${folder}\u{10ffff}` : `${name}\0${generation}`

async function download(store: Store, call: Call): Promise<Reply> {
  const object = named(store, call)
  checkPreconditions(call.query, object, true)
  const length = Number(object.size)
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': object.contentType,
    ...(object.contentEncoding ? { 'content-encoding': String(object.contentEncoding) } : {}),
    etag: `"${etagOf(object)}"`,
    'last-modified': new Date(object.updated).toUTCString(),
    'x-goog-generation': object.generation,
    'x-goog-metageneration': object.metageneration,
    'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5Hash}`,
    'x-goog-stored-content-encoding': String(object.contentEncoding ?? 'identity'),
    'x-goog-stored-content-length': object.size,
  }
  const range = call.header('range')
  const part = range === undefined ? undefined : partOf(range, length)
  if (part === undefined) return { content: await store.read(object), headers }
  if (part === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${length}` } }
  const [from, to] = part
  const partial = { ...headers, 'content-range': `bytes ${from}-${to}/${length}` }
  return { status: 206, content: await store.read(object, from, to), headers: partial }
}

/** First and last byte of a single range; HTTP says to ignore any other form of the header. */
function partOf(range: string, length: number): [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range)
  if (!match || (!match[1] && !match[2])) return undefined
  const from = match[1] ? Number(match[1]) : Math.max(0, length - Number(match[2]))
  const to = match[1] && match[2] ? Math.min(Number(match[2]), length - 1) : length - 1
  return from > to ? 'unsatisfiable' : [from, to]
}
