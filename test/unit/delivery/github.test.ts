import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openGithub } from '../../../lib/delivery/github.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { withServer } from '../support/server.ts'

const github = suite('openGithub')

github('runs come newest first, and what has not changed is not sent again', async () => {
  const statuses: number[] = []
  await withServer(
    (request, response) => {
      assert.is(request.headers.authorization, 'Bearer t')
      const status = request.headers['if-none-match'] === '"1"' ? 304 : 200
      statuses.push(status)
      response.writeHead(status, { etag: '"1"' })
      response.end(status === 304 ? undefined : JSON.stringify({ workflow_runs: [{ id: 1 }, { id: 2 }] }))
    },
    async url => {
      const client = openGithub('t', url)
      for (let i = 0; i < 2; i++) {
        assert.equal(
          (await client.runs('o/r', 'abc')).map(({ id }) => id),
          [2, 1],
        )
      }
    },
  )
  assert.equal(statuses, [200, 304])
})

github('the paths are GitHub’s', async () => {
  const requests = await withServer(
    (_, response) => response.end('{"workflow_runs":[],"jobs":[]}'),
    async url => {
      await openGithub('t', url).runs('o/r', 'abc')
      await openGithub('t', `${url}/`).jobs('o/r', 5)
    },
  )
  assert.equal(requests, [
    'GET /repos/o/r/actions/runs?head_sha=abc&per_page=50',
    'GET /repos/o/r/actions/runs/5/jobs?per_page=100',
  ])
})

for (const [why, status, headers, code, hint] of [
  ['a wrong token', 401, {}, 4, 'not valid'],
  ['a token that may not', 403, {}, 4, 'actions: read'],
  ['a repository that it does not see', 404, {}, 4, 'delivery.repository'],
  ['the limit', 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1767225600' }, 5, '2026-01-01T00:00:00.000Z'],
  ['a secondary limit', 403, { 'retry-after': '60', 'x-ratelimit-remaining': '4980' }, 5, '60 s'],
  ['a secondary limit, as 429', 429, { 'retry-after': '7', 'x-ratelimit-remaining': '4980' }, 5, '7 s'],
  ['a limit without a word on its end', 429, {}, 5, 'in a minute'],
  ['a bad day', 502, {}, 5, 'again'],
] as const) {
  github(`${why} is exit code ${code}, with GitHub's words`, () =>
    withServer(
      (_, response) => response.writeHead(status, headers).end('{"message":"as GitHub says"}'),
      async url => {
        const error = (await openGithub('t', url)
          .runs('o/r', 'abc')
          .catch(thrown => thrown)) as OpsError
        assert.is(error.code, code)
        assert.match(error.message, 'as GitHub says')
        assert.match(error.hint, hint)
      },
    ).then(() => undefined),
  )
}
github('a secondary limit is told by its words alone', () =>
  withServer(
    (_, response) =>
      response
        .writeHead(403, { 'x-ratelimit-remaining': '4980' })
        .end('{"message":"You have exceeded a secondary rate limit."}'),
    async url => {
      const error = (await openGithub('t', url)
        .runs('o/r', 'abc')
        .catch(thrown => thrown)) as OpsError
      assert.is(error.code, 5)
    },
  ).then(() => undefined),
)
github('a bad day that passes is ridden out', async () => {
  let asked = 0
  await withServer(
    (_, response) => response.writeHead(++asked < 3 ? 503 : 200).end('{"jobs":[]}'),
    async url => assert.equal(await openGithub('t', url).jobs('o/r', 1), []),
  )
  assert.is(asked, 3)
})
github.run()
