import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { crc32c } from '../../lab/google/storage/checksums.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
  storage: Storage
}

const storage = suite<Context>('Cloud Storage')

storage.before.each(async context => {
  context.lab = await TestLab.start()
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: TOKEN })
  context.storage = new Storage({
    apiEndpoint: context.lab.url,
    projectId: PROJECT,
    authClient: authClient as never,
    // Otherwise the client takes any other endpoint for an emulator that wants no token.
    useAuthWithCustomEndpoint: true,
    retryOptions: { autoRetry: false },
  })
  await context.storage.createBucket('state', { versioning: { enabled: true } })
})
storage.after.each(({ lab }) => lab.stop())

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    error => error.code,
  )

storage('checksums as documented', () => {
  // RFC 3720, B.4: the CRC of 32 bytes of zeros.
  assert.is(crc32c(Buffer.alloc(32)), Buffer.from('8a9136aa', 'hex').toString('base64'))
})

storage('saves under a precondition and loses the race for it', async ({ storage }) => {
  const file = storage.bucket('state').file('00-vpc/state/default.tflock')
  const create = { preconditionOpts: { ifGenerationMatch: 0 }, resumable: false }
  await file.save('mine', create)
  assert.is(await codeOf(file.save('yours', create)), 412)
  const [content] = await file.download()
  assert.is(content.toString(), 'mine')
  const [{ generation, md5Hash, size }] = await file.getMetadata()
  assert.type(generation, 'string')
  assert.is(md5Hash, 'kYuB216R0DFUi5Y8k4ReWw==')
  assert.is(Number(size), 4)
  assert.is(await codeOf(file.delete({ ifGenerationMatch: 1 })), 412)
  await file.delete({ ifGenerationMatch: Number(generation) })
  assert.equal(await file.exists(), [false])
})

storage('gives one of two racing writers the object', async ({ lab }) => {
  const upload = () =>
    lab.request('POST', '/upload/storage/v1/b/state/o?uploadType=media&name=lock&ifGenerationMatch=0', { who: 'me' })
  const statuses = (await Promise.all([upload(), upload(), upload()])).map(({ status }) => status)
  assert.equal(statuses.sort(), [200, 412, 412])
})

storage('keeps earlier versions', async ({ storage }) => {
  const file = storage.bucket('state').file('state')
  await file.save('one', { resumable: false })
  await file.save('two', { resumable: false })
  const [versions] = await storage.bucket('state').getFiles({ versions: true })
  assert.is(versions.length, 2)
  const [old] = await storage
    .bucket('state')
    .file('state', { generation: versions[0]?.metadata.generation as string })
    .download()
  assert.is(old.toString(), 'one')
})

// By hand: the client's resumable `save` sends no token to a custom endpoint.
storage('uploads resumably and reads ranges', async ({ lab, storage }) => {
  const content = Buffer.alloc(3 * 1024 * 1024, 'abcdefgh')
  const half = content.length / 2
  const begun = await lab.request(
    'POST',
    '/upload/storage/v1/b/state/o?uploadType=resumable&name=large&ifGenerationMatch=0',
    {},
  )
  const location = begun.headers.get('location') ?? ''
  const put = (range: string, body?: Uint8Array) =>
    fetch(location, { method: 'PUT', headers: { authorization: `Bearer ${TOKEN}`, 'content-range': `bytes ${range}` }, body })
  assert.is((await put('*/*')).headers.get('range'), null)
  const first = await put(`0-${half - 1}/*`, content.subarray(0, half))
  assert.equal([first.status, first.headers.get('range')], [308, `bytes=0-${half - 1}`])
  assert.is((await put(`${half}-${content.length - 1}/${content.length}`, content.subarray(half))).status, 200)
  assert.is((await put('*/*')).status, 404)
  const file = storage.bucket('state').file('large')
  const [whole] = await file.download()
  assert.ok(whole.equals(content))
  const [part] = await file.download({ start: 1, end: 3, validation: false })
  assert.is(part.toString(), 'bcd')
})

storage('lists by prefix and delimiter, page by page', async ({ storage }) => {
  const bucket = storage.bucket('state')
  for (const name of ['a/1', 'a/2', 'b/1', 'c']) await bucket.file(name).save('x', { resumable: false })
  const [below] = await bucket.getFiles({ prefix: 'a/' })
  assert.equal(
    below.map(({ name }) => name),
    ['a/1', 'a/2'],
  )
  const names: string[] = []
  const prefixes: string[] = []
  let query: object | null = { delimiter: '/', maxResults: 1, autoPaginate: false }
  while (query) {
    const [files, next, page] = (await bucket.getFiles(query)) as unknown as [
      { name: string }[],
      object | null,
      { prefixes?: string[] },
    ]
    names.push(...files.map(({ name }) => name))
    prefixes.push(...(page.prefixes ?? []))
    query = next
  }
  assert.equal({ names, prefixes }, { names: ['c'], prefixes: ['a/', 'b/'] })
})

storage('copies, describes and survives a restart', async ({ lab, storage }) => {
  const bucket = storage.bucket('state')
  await bucket.file('one').save('content', { resumable: false, metadata: { metadata: { serial: '3' } } })
  await bucket.file('one').copy(bucket.file('two'))
  await lab.restart()
  const [{ metadata }] = await bucket.file('two').getMetadata()
  assert.equal(metadata, { serial: '3' })
  assert.is((await bucket.file('two').download()).toString(), 'content')
  assert.is(await codeOf(bucket.delete()), 409)
})

storage('says by its code what is wrong', async ({ lab, storage }) => {
  const bucket = storage.bucket('state')
  await bucket.file('a').save('x', { resumable: false })
  const [{ generation, metageneration }] = await bucket.file('a').getMetadata()
  const cases: [string, () => Promise<unknown>, number][] = [
    ['no such object', () => bucket.file('none').download(), 404],
    ['no such bucket', () => storage.bucket('none').getFiles(), 404],
    ['no such version', () => bucket.file('a', { generation: '1' }).getMetadata(), 404],
    ['a bucket that is there', () => storage.createBucket('state'), 409],
    ['a bucket that is full', () => bucket.delete(), 409],
    ['another name than a bucket may have', () => storage.createBucket('Wrong_Name'), 400],
    ['an address for a name', () => storage.createBucket('10.0.0.1'), 400],
    ['a name of Google', () => storage.createBucket('google-ours'), 400],
    ['an object without a name', () => bucket.file('..').save('x', { resumable: false }), 400],
    ['a stale metageneration', () => bucket.file('a').setMetadata({ contentType: 'a/b' }, { ifMetagenerationMatch: 7 }), 412],
    ['a bucket changed meanwhile', () => bucket.setMetadata({ labels: { a: 'b' } }, { ifMetagenerationMatch: 7 }), 412],
    ['a copy of what is no longer', () => bucket.file('a').copy('b', { preconditionOpts: { ifGenerationMatch: 1 } }), 412],
  ]
  for (const [what, call, code] of cases) assert.is(await codeOf(call()), code, what)
  const unchanged = await lab.request('GET', `/storage/v1/b/state/o/a?ifGenerationNotMatch=${generation}`)
  assert.equal([unchanged.status, metageneration], [304, '1'])
  const torn = { name: 'torn', md5Hash: 'AAAAAAAAAAAAAAAAAAAAAA==' }
  const parts = `--e\r\n\r\n${JSON.stringify(torn)}\r\n--e\r\n\r\nhalf\r\n--e--`
  const upload = await fetch(`${lab.url}/upload/storage/v1/b/state/o?uploadType=multipart`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'multipart/related; boundary=e' },
    body: parts,
  })
  assert.is(upload.status, 400)
})

storage('changes settings as a merge patch', async ({ storage }) => {
  const file = storage.bucket('state').file('a')
  const metadata = { contentType: 'text/plain', cacheControl: 'no-store', metadata: { serial: '1', lineage: 'x' } }
  await file.save('x', { resumable: false, metadata })
  await file.setMetadata({ cacheControl: null as never, metadata: { serial: '2', lineage: null } })
  const [changed] = await file.getMetadata()
  assert.equal([changed.cacheControl, changed.contentType, changed.metadata], [undefined, 'text/plain', { serial: '2' }])
  assert.is(changed.metageneration, '2')
  const bucket = storage.bucket('state')
  await bucket.setMetadata({ labels: { a: 'b', c: 'd' }, lifecycle: { rule: [] } })
  await bucket.setMetadata({ labels: { a: null } })
  const [{ labels, lifecycle, versioning }] = await bucket.getMetadata()
  assert.equal([labels, lifecycle, versioning], [{ c: 'd' }, { rule: [] }, { enabled: true }])
})

storage('moves, composes, and answers in part', async ({ lab, storage }) => {
  const bucket = storage.bucket('state')
  for (const name of ['a', 'b']) await bucket.file(name).save(name.repeat(3), { resumable: false })
  await bucket.combine([bucket.file('a'), bucket.file('b')], bucket.file('ab'))
  assert.is((await bucket.file('ab').download()).toString(), 'aaabbb')
  await lab.request('POST', '/storage/v1/b/state/o/ab/moveTo/o/moved')
  const answer = await lab.request('GET', '/storage/v1/b/state/o?fields=items(name,size),nextPageToken&maxResults=2')
  const { items, nextPageToken, ...rest } = (await answer.json()) as { items: object[]; nextPageToken: string }
  assert.equal(
    [items, rest],
    [
      [
        { name: 'a', size: '3' },
        { name: 'b', size: '3' },
      ],
      {},
    ],
  )
  assert.type(nextPageToken, 'string')
  const [files] = await bucket.getFiles()
  assert.equal(
    files.map(({ name }) => name),
    ['a', 'b', 'moved'],
  )
})

storage('keeps of an upload that goes on what is a multiple of 256 KiB', async ({ lab }) => {
  const content = Buffer.alloc(400_000, 'x')
  const begun = await lab.request('POST', '/resumable/upload/storage/v1/b/state/o?uploadType=resumable&name=odd', {})
  const put = (range: string, body: Uint8Array) =>
    fetch(begun.headers.get('location') ?? '', {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-range': `bytes ${range}` },
      body,
    })
  const first = await put('0-299999/*', content.subarray(0, 300_000))
  assert.equal([first.status, first.headers.get('range')], [308, 'bytes=0-262143'])
  assert.is((await put('300000-399999/400000', content.subarray(300_000))).status, 400)
  const last = await put('262144-399999/400000', content.subarray(262_144))
  assert.is(((await last.json()) as { size: string }).size, '400000')
})

storage('answers the XML reads and the lock protocol of the GCS backend', async ({ lab }) => {
  assert.is((await lab.request('GET', '/state/00-vpc/state/default.tfstate')).status, 404)
  const body = [
    '--edge\r\nContent-Type: application/json\r\n\r\n{"bucket":"state","name":"00-vpc/state/default.tfstate"}',
    '\r\n--edge\r\nContent-Type: application/json\r\n\r\n{"serial":1}',
    '\r\n--edge--\r\n',
  ].join('')
  const upload = await fetch(
    `${lab.url}/upload/storage/v1/b/state/o?uploadType=multipart&name=00-vpc%2Fstate%2Fdefault.tfstate`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'multipart/related; boundary=edge' },
      body,
    },
  )
  assert.is(upload.status, 200)
  const read = await lab.request('GET', '/state/00-vpc/state/default.tfstate')
  assert.is(await read.text(), '{"serial":1}')
  const attributes = await lab.request('GET', '/b/state/o/00-vpc%2Fstate%2Fdefault.tfstate')
  assert.is(((await attributes.json()) as { generation: string }).generation, read.headers.get('x-goog-generation'))
})

storage.run()
