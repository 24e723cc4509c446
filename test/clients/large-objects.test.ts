import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../lib/google/credentials.ts'
import { openLargeObjects } from '../../lib/google/large-objects.ts'
import { openStore } from '../../lib/google/storage.ts'
import { external, type OpsError } from '../../lib/runtime/errors.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

const KIB = 1024
const client = new OAuth2Client()
client.setCredentials({ access_token: TOKEN })
const credentials = { client: async () => client } as unknown as Credentials

interface Context {
  lab: TestLab
}

const uploads = suite<Context>('upload')
uploads.before(async context => {
  context.lab = await TestLab.start()
  await (await openStore('backups', PROJECT, credentials, { endpoint: context.lab.url })).create('US-EAST1', {})
})
uploads.after(({ lab }) => lab.stop())

const open = ({ lab }: Context, more: { bucket?: string; signal?: AbortSignal } = {}) =>
  openLargeObjects(more.bucket ?? 'backups', credentials, { endpoint: lab.url, chunk: 256 * KIB, signal: more.signal })
const objects = async ({ lab }: Context) => (await openStore('backups', PROJECT, credentials, { endpoint: lab.url })).list('')
const failureOf = (promise: Promise<unknown>): Promise<OpsError> =>
  promise.then(
    () => assert.unreachable('it should fail') as never,
    error => error,
  )

for (const [why, sizes] of [
  ['nothing', []],
  ['less than a chunk', [10]],
  ['exactly a chunk', [256 * KIB]],
  ['several, and a rest', [256 * KIB, 300 * KIB, 700 * KIB, 3]],
] as const)
  uploads(`${why}: its size and digest, and the object`, async context => {
    const content = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, String(index))))
    const name = `a/${content.length}.dump`
    const seen: number[] = []
    const source = Readable.from(sizes.map((size, index) => Buffer.alloc(size, String(index))))
    const { generation, bytes, sha256 } = await (await open(context)).upload(name, source, sum => seen.push(sum))
    assert.is(bytes, content.length)
    assert.is(seen.at(-1) ?? 0, content.length)
    assert.is(sha256, createHash('sha256').update(content).digest('hex'))
    const stored = await (await openStore('backups', PROJECT, credentials, { endpoint: context.lab.url })).read(name)
    assert.is(stored?.generation, generation)
    assert.is(stored?.md5, createHash('md5').update(content).digest('base64'))
    assert.equal(await buffer(await (await open(context)).download(name, generation)), content)
  })
uploads('a source that fails leaves no object, and its own error', async context => {
  async function* cut() {
    yield Buffer.alloc(600 * KIB)
    throw external('pg_dump: the connection was lost', 'again')
  }
  const error = await failureOf((await open(context)).upload('cut.dump', Readable.from(cut())))
  assert.is(error.message, 'pg_dump: the connection was lost')
  assert.not((await objects(context)).includes('cut.dump'))
})
uploads('another object of that name is not written over: 4', async context => {
  const bucket = await open(context)
  await bucket.upload('once.dump', Readable.from([Buffer.from('first')]))
  const error = await failureOf(bucket.upload('once.dump', Readable.from([Buffer.from('second')])))
  assert.is(error.code, 4)
  assert.match(error.message, 'gs://backups/once.dump: there is such an object already')
})
uploads('no such bucket: 4', async context => {
  const error = await failureOf((await open(context, { bucket: 'elsewhere' })).upload('a', Readable.from([Buffer.from('a')])))
  assert.is(error.code, 4)
  assert.match(error.message, 'not found')
})
uploads('what is read is of the generation that was asked for: 4 for another', async context => {
  const bucket = await open(context)
  const { generation } = await bucket.upload('read.dump', Readable.from([Buffer.from('content')]))
  assert.is((await failureOf(bucket.download('read.dump', String(Number(generation) - 1)))).code, 4)
})
uploads('interrupted: 130, and no object', async context => {
  const stop = new AbortController()
  async function* endless() {
    for (;;) {
      yield Buffer.alloc(100 * KIB)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const bucket = await open(context, { signal: stop.signal })
  const uploading = bucket.upload('endless.dump', Readable.from(endless()), bytes => {
    if (bytes > 900 * KIB) stop.abort()
  })
  assert.is((await failureOf(uploading)).code, 130)
  assert.not((await objects(context)).includes('endless.dump'))
})
uploads('a bucket that is slow holds the source up', async context => {
  let given = 0
  function* source() {
    for (; given < 24; given++) yield Buffer.alloc(256 * KIB)
  }
  let ahead = 0
  const bucket = await open(context)
  await bucket.upload('slow.dump', Readable.from(source(), { highWaterMark: 1 }), bytes => {
    ahead = Math.max(ahead, given * 256 * KIB - bytes)
  })
  assert.ok(ahead < 2 * 2 ** 20, `${ahead} bytes ahead`)
})
uploads.run()
