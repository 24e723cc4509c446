import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openGithub } from '../../../lib/delivery/github.ts'
import { openRepository } from '../../../lib/delivery/repository.ts'
import { openCompute } from '../../../lib/google/compute.ts'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { objectExists } from '../../../lib/google/existence.ts'
import { openRegistry } from '../../../lib/google/registry.ts'
import { openStore } from '../../../lib/google/storage.ts'
import { withServer } from '../support/server.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials: Credentials = { client: async () => client, token: async () => 'a-token' }
const deadlines = { each: 2000, whole: 2000 }
const { signal } = new AbortController()

const calls: [string, (url: string) => Promise<unknown>][] = [
  [
    'Compute Engine',
    async url =>
      (await openCompute({ project: 'p', zone: 'z', credentials, signal, endpoint: `${url}/compute/v1/`, deadlines })).vm('v'),
  ],
  ['Cloud Storage, reading', async url => (await openStore('b', 'p', credentials, { endpoint: url, deadlines })).read('o')],
  [
    'Cloud Storage, writing',
    async url => (await openStore('b', 'p', credentials, { endpoint: url, deadlines })).write('o', 'x', '0'),
  ],
  ['GitHub', url => openGithub('a-token', url, { deadlines }).runs('o/r', 'abc')],
  ['a registry', url => openRegistry(credentials, url, { deadlines }).image('r.example/p/a', 'tag')],
  ['existence', url => objectExists('compute', 'p/x', { credentials, signal, endpoints: { compute: `${url}/` }, deadlines })],
  ['git', url => openRepository({ name: 'o/r', branch: 'b', token: 'a-token', endpoint: url, signal, within: 5000 }).head()],
  [
    'git, fetching',
    url =>
      openRepository({ name: 'o/r', branch: 'b', token: 'a-token', endpoint: url, signal, within: 5000 }).withClone(
        async () => undefined,
      ),
  ],
]

/** What git's protocol answers first, so that it goes on to a second request. */
const REFS = `001e# service=git-upload-pack\n0000000eversion 2\n000cls-refs\n0000`

const redirects = suite('a redirect to another host takes no credentials along')
for (const [service, call] of calls) {
  for (const status of [301, 302, 307, 308]) {
    redirects(`${service}, ${status}`, async () => {
      const seen: (string | undefined)[] = []
      await withServer(
        (request, response) => {
          seen.push(request.headers.authorization)
          const isGit = request.url?.includes('info/refs')
          response.writeHead(200, {
            'content-type': isGit ? 'application/x-git-upload-pack-advertisement' : 'application/json',
          })
          response.end(isGit ? REFS : '{}')
        },
        async elsewhere => {
          const other = elsewhere.replace('127.0.0.1', 'localhost')
          let first: string | undefined
          await withServer(
            (request, response) => {
              first = request.headers.authorization
              response.writeHead(status, { location: `${other}${request.url}` }).end()
            },
            async url => {
              await call(url).catch(() => undefined)
              assert.match(first ?? '', /^(Bearer|Basic) /)
            },
          )
        },
      )
      assert.equal(
        seen.filter(value => value !== undefined),
        [],
      )
    })
  }
}
redirects.run()
