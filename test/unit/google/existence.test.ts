import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { objectExists } from '../../../lib/google/existence.ts'
import { asOpsError } from '../../../lib/runtime/errors.ts'
import { withServer } from '../support/server.ts'
import { DISABLED, FORBIDDEN } from './answers.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials = { client: async () => client } as unknown as Credentials
const { signal } = new AbortController()

const existence = suite('objectExists')
for (const [why, status, body, expected] of [
  ['it is there', 200, { name: 'n' }, 'true'],
  ['it is not', 404, { error: { code: 404, message: 'not found' } }, 'false'],
  ['its API is not enabled yet: nothing can be there', 403, DISABLED, 'false'],
  ['nobody may look', 403, FORBIDDEN, '5'],
] as const) {
  existence(why, async () => {
    let found = ''
    await withServer(
      (_request, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      async url => {
        const asked = objectExists('compute', 'projects/p/global/networks/n', {
          credentials,
          endpoints: { compute: `${url}/compute/v1/` },
          signal,
        })
        found = String(await asked.catch(error => asOpsError(error).code))
      },
    )
    assert.is(found, expected)
  })
}
existence.run()
