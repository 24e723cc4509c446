import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { openStore, writeOver } from '../../../lib/google/storage.ts'
import { withServer } from '../support/server.ts'
import { fakeStore } from '../support/store.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials = { client: async () => client } as unknown as Credentials

const store = suite('openStore')
store('a bucket that is not there yet holds nothing', async () => {
  await withServer(
    (_request, response) =>
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { code: 404, message: 'The specified bucket does not exist.' } })),
    async url => {
      const bucket = await openStore('b', 'p', credentials, { endpoint: url })
      assert.equal(await bucket.list('journals/'), [])
      assert.is(await bucket.read('journals/a.json'), undefined)
    },
  )
})
for (const [why, date, age] of [
  ['of a store whose clock is ahead of ours', 'Fri, 01 Nov 2047 12:00:30 GMT', 30_000],
  ['of a store that does not say its time', undefined, Number.NaN],
] as const) {
  store(`the age of an object is told by the store’s clock alone: ${why}`, async () => {
    await withServer(
      (request, response) => {
        response.sendDate = false
        if (date) response.setHeader('date', date)
        if (request.url?.includes('alt=media')) return response.end('{}')
        const metadata = { generation: '7', updated: '2047-11-01T12:00:00.000Z', md5Hash: 'mZFLkyvTelC5g8XnyQrpOw==' }
        return response.setHeader('content-type', 'application/json').end(JSON.stringify(metadata))
      },
      async url => {
        const found = await (await openStore('b', 'p', credentials, { endpoint: url })).read('threads-ops.lock')
        assert.equal(found, { content: '{}', generation: '7', md5: 'mZFLkyvTelC5g8XnyQrpOw==', age })
      },
    )
  })
}
for (const [why, media, found] of [
  [
    'is written between the two requests: the newer one',
    ['gone', 'content of 2'],
    { generation: '2', content: 'content of 2' },
  ],
  ['is removed between the two requests: none', ['gone'], undefined],
] as const) {
  store(`an object that ${why}`, async () => {
    let asked = 0
    await withServer(
      (request, response) => {
        const next = media[asked]
        if (request.url?.includes('alt=media')) {
          asked++
          return next === 'gone' ? response.writeHead(404).end('No such object') : response.end(next)
        }
        if (next === undefined) return response.writeHead(404).end('No such object')
        return response.setHeader('content-type', 'application/json').end(JSON.stringify({ generation: String(asked + 1) }))
      },
      async url => {
        const read = await (await openStore('b', 'p', credentials, { endpoint: url })).read('o')
        assert.equal(read && { generation: read.generation, content: read.content }, found)
      },
    )
  })
}
store.run()

const OWN = 'what this one writes'
const over = suite('writeOver')
for (const [why, before, faults, expected] of [
  ['there is none yet', undefined, [], 'own'],
  ['it is as it was read', 'old', [], 'own'],
  ['somebody else was faster', 'old', ['other first'], 'other'],
  ['somebody else was faster, and is gone', undefined, ['other first, and gone'], 'nobody'],
  ['the answer was lost, and asked again', 'old', ['done', 'refused'], 'own'],
  ['the answer was lost for good', 'old', ['done, then error'], 'own'],
  ['the answer was lost, and what lies there can’t be read', 'old', ['done, then error', 'unreadable'], 'error'],
  ['it failed before anything was done', 'old', ['error'], 'error'],
  ['it failed, and what lies there was this one’s before', OWN, ['error'], 'error'],
  ['the answer was lost, and somebody else wrote over it', 'old', ['done, then other, then error'], 'error'],
] as const) {
  over(`${why}: ${expected}`, async () => {
    const bucket = fakeStore()
    const generation = before === undefined ? '0' : bucket.wrote('o', before)
    const { write } = bucket
    bucket.write = async (...args) => {
      const has = (fault: string) => faults.some(each => each.includes(fault))
      if (has('other first')) bucket.wrote('o', 'theirs')
      if (has('and gone')) bucket.objects.delete('o')
      if (has('and gone')) return undefined
      if (has('done')) await write(...args)
      if (has('then other')) bucket.wrote('o', 'theirs')
      if (has('unreadable')) bucket.read = () => Promise.reject(new Error('503'))
      if (has('error')) throw new Error('socket hang up')
      return write(...args)
    }
    const written = await writeOver(bucket, 'o', OWN, generation).catch((error: Error) => error)
    if (expected === 'error') return assert.is(written instanceof Error && written.message, 'socket hang up')
    assert.not.instance(written, Error)
    assert.equal(
      written,
      expected === 'own'
        ? { generation: bucket.objects.get('o')?.generation }
        : { found: expected === 'other' ? { ...bucket.objects.get('o'), age: 0 } : undefined },
    )
  })
}
over.run()
