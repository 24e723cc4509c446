import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { openStore } from '../../../lib/google/storage.ts'
import { withServer } from '../support/server.ts'

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
store.run()
