import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Endpoints } from '../../../lib/config/endpoints.ts'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { stateObjects } from '../../../lib/operation/state-objects.ts'
import { withFault } from '../support/faults.ts'
import { failureOf } from '../support/layers.ts'
import { withServer } from '../support/server.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials = { client: async () => client } as unknown as Credentials
const open = (url: string, signal = new AbortController().signal) =>
  stateObjects({ credentials, endpoints: { storage: url } as Endpoints, signal })

const STATE = '{"version":4,"serial":7}'
const objects = suite('state objects')
objects('a state is one request', async () => {
  const requests = await withServer(
    (_request, response) => response.end(STATE),
    async url => assert.is(await open(url).read('b', '00-vpc/state/default.tfstate'), STATE),
  )
  assert.equal(requests, ['GET /storage/v1/b/b/o/00-vpc%2Fstate%2Fdefault.tfstate?alt=media'])
})
objects('no object, or no bucket, is no state', async () => {
  await withServer(
    (_request, response) => response.writeHead(404).end('No such object'),
    async url => assert.is(await open(url).read('b', 'o'), undefined),
  )
})
objects('who may not read it is told so', async () => {
  await withServer(
    (_request, response) => response.writeHead(403).end('Forbidden'),
    async url => {
      const { code, message } = await failureOf(open(url).read('b', 'o'))
      assert.is(code, 5)
      assert.match(message, 'reading gs://b/o: Cloud Storage: ')
    },
  )
})
objects('Ctrl-C ends the wait for a bucket that is silent', () =>
  withFault('accepts and never answers', async url => {
    const stop = new AbortController()
    const failure = failureOf(open(url, stop.signal).read('b', 'o'))
    setTimeout(() => stop.abort(), 100)
    const started = performance.now()
    assert.is((await failure).code, 130)
    assert.ok(performance.now() - started < 10_000)
  }),
)
objects.run()
