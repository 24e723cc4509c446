import { conditionNotMet, invalid } from '../http/errors.ts'
import type { Call, Reply, Router } from '../http/router.ts'
import { BASES } from './buckets.ts'
import { checkPreconditions } from './preconditions.ts'
import { objectReply } from './representation.ts'
import type { Store } from './store.ts'
import { writable } from './writable.ts'

/** Objects made from other objects: copy, rewrite, move, compose. */
export function serveCopies(router: Router, store: Store): void {
  for (const base of BASES) {
    const object = `${base}/{bucket}/o/{+object}`
    for (const verb of ['copyTo', 'rewriteTo'] as const) {
      router.post(`${object}/${verb}/b/{toBucket}/o/{+toObject}`, call => copy(store, call, verb))
    }
    router.post(`${object}/moveTo/o/{+toObject}`, call => move(store, call))
    router.post(`${object}/compose`, call => compose(store, call))
  }
}

async function copy(store: Store, call: Call, verb: 'copyTo' | 'rewriteTo'): Promise<Reply> {
  const { query, origin } = call
  const source = store.get(call.param('bucket'), call.param('object'), query.get('sourceGeneration'))
  checkPreconditions(query, source, false, 'ifSource')
  const [bucket, name] = [store.bucket(call.param('toBucket')).name, call.param('toObject')]
  const metadata = { ...writable(source), ...writable(await call.json()) }
  const copied = await store.write(bucket, name, await store.read(source), metadata, current =>
    checkPreconditions(query, current),
  )
  const resource = objectReply(copied, origin)
  if (verb === 'copyTo') return { json: resource }
  const { size } = copied
  return { json: { kind: 'storage#rewriteResponse', totalBytesRewritten: size, objectSize: size, done: true, resource } }
}

/** Renames an object within its bucket. */
async function move(store: Store, call: Call): Promise<Reply> {
  const { query, origin } = call
  const source = store.get(call.param('bucket'), call.param('object'), query.get('generation'))
  checkPreconditions(query, source, false, 'ifSource')
  const name = call.param('toObject')
  const moved = await store.write(source.bucket, name, await store.read(source), writable(source), current =>
    checkPreconditions(query, current),
  )
  await store.delete(source, false)
  return { json: objectReply(moved, origin) }
}

interface Composition {
  sourceObjects?: { name: string; generation?: string; objectPreconditions?: { ifGenerationMatch?: string } }[]
  destination?: Record<string, unknown>
}

const MOST_COMPONENTS = 32

/** Concatenates objects: clients use it to upload a large object in parallel. */
async function compose(store: Store, call: Call): Promise<Reply> {
  const { query, origin } = call
  const bucket = store.bucket(call.param('bucket')).name
  const { sourceObjects = [], destination = {} } = await call.json<Composition>()
  if (sourceObjects.length < 1 || sourceObjects.length > MOST_COMPONENTS) {
    throw invalid(
      `The number of source components provided (${sourceObjects.length}) must be between 1 and ${MOST_COMPONENTS}.`,
    )
  }
  const sources = sourceObjects.map(({ name, generation, objectPreconditions }) => {
    const source = store.get(bucket, name, generation)
    const wanted = objectPreconditions?.ifGenerationMatch
    if (wanted !== undefined && wanted !== source.generation) throw conditionNotMet()
    return source
  })
  const content = Buffer.concat(await Promise.all(sources.map(source => store.read(source))))
  const metadata = { ...writable(destination), componentCount: sources.length }
  const composed = await store.write(bucket, call.param('object'), content, metadata, current =>
    checkPreconditions(query, current),
  )
  return { json: objectReply(composed, origin) }
}
