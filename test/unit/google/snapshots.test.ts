import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openCompute } from '../../../lib/google/compute.ts'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { asOpsError } from '../../../lib/runtime/errors.ts'
import { withServer } from '../support/server.ts'
import { DISABLED, FORBIDDEN } from './answers.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials = { client: async () => client } as unknown as Credentials
const { signal } = new AbortController()

const snapshots = suite('snapshots')
for (const [why, status, body, expected] of [
  ['none where Compute Engine is not enabled yet', 403, DISABLED, '0'],
  ['nobody may look', 403, FORBIDDEN, 'error 5'],
] as const) {
  snapshots(why, async () => {
    let found = ''
    await withServer(
      (_request, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      async url => {
        const compute = await openCompute({ project: 'p', zone: 'z', credentials, signal, endpoint: `${url}/compute/v1/` })
        found = await compute.snapshots({}).then(
          all => String(all.length),
          error => `error ${asOpsError(error).code}`,
        )
      },
    )
    assert.is(found, expected)
  })
}
snapshots.run()
