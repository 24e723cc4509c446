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
store.run()
