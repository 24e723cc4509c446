import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { openRegistry } from '../../../lib/google/registry.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { withServer } from '../support/server.ts'

const credentials = { token: async () => 'a-token' } as Credentials
const REPOSITORY = 'us-east1-docker.pkg.dev/p/threads/app'
const digestOf = (body: object) => `sha256:${createHash('sha256').update(JSON.stringify(body)).digest('hex')}`

const config = { os: 'linux', architecture: 'arm64', variant: 'v8' }
const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { digest: digestOf(config) } }
const index = {
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    { digest: 'sha256:1', platform: { os: 'linux', architecture: 'amd64' } },
    { digest: 'sha256:2', platform: { os: 'unknown', architecture: 'unknown' } },
  ],
}
const list = { mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json', manifests: index.manifests.slice(0, 1) }

/** A registry that has these manifests by tag. */
const registryOf =
  (tags: Record<string, { mediaType: string }>) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    assert.is(request.headers.authorization, 'Bearer a-token')
    if (request.url === `/v2/p/threads/app/blobs/${digestOf(config)}`) {
      response.end(JSON.stringify(config))
      return
    }
    const reference = request.url?.split('/').at(-1) ?? ''
    const found = tags[reference] ?? Object.values(tags).find(body => digestOf(body) === reference)
    if (!found || !request.headers.accept?.includes(found.mediaType)) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found) })
    response.end(request.method === 'HEAD' ? undefined : JSON.stringify(found))
  }

const images = suite('openRegistry')
for (const [why, body, platforms] of [
  ['an index, without its attestation', index, ['linux/amd64']],
  ["Docker's list", list, ['linux/amd64']],
  ["a manifest, by its image's configuration", manifest, ['linux/arm64/v8']],
] as const) {
  images(why, () =>
    withServer(registryOf({ tag: body }), async url => {
      const image = await openRegistry(credentials, url).image(REPOSITORY, 'tag')
      assert.is(image?.digest, digestOf(body))
      assert.equal(
        image?.builds.map(({ platform }) => platform),
        platforms,
      )
    }).then(() => undefined),
  )
}
images('no such tag', async () => {
  const requests = await withServer(registryOf({}), async url =>
    assert.is(await openRegistry(credentials, url).image(REPOSITORY, 'tag'), undefined),
  )
  assert.equal(requests, ['HEAD /v2/p/threads/app/manifests/tag'])
})
images('what is known of a digest is not asked for again', async () => {
  const requests = await withServer(registryOf({ tag: index }), async url => {
    const registry = openRegistry(credentials, url)
    assert.equal(await registry.image(REPOSITORY, 'tag'), await registry.image(REPOSITORY, 'tag'))
  })
  assert.equal(
    requests.map(request => request.split(' ')[0]),
    ['HEAD', 'GET', 'HEAD'],
  )
})
for (const [status, code] of [
  [401, 4],
  [403, 4],
  [429, 5],
  [500, 5],
] as const) {
  images(`${status} is exit code ${code}`, () =>
    withServer(
      (_, response) => response.writeHead(status).end(),
      async url => {
        const error = await openRegistry(credentials, url)
          .image(REPOSITORY, 'tag')
          .catch(thrown => thrown as OpsError)
        assert.is((error as OpsError).code, code)
      },
    ).then(() => undefined),
  )
}
images('out of reach is exit code 5', async () => {
  const error = await openRegistry(credentials, 'http://127.0.0.1:9')
    .image(REPOSITORY, 'tag')
    .catch(thrown => thrown as OpsError)
  assert.is((error as OpsError).code, 5)
})
images.run()

/** The `authorization` header of every request for an image, without its registry being asked. */
async function sentTo(repository: string): Promise<(string | undefined)[]> {
  const real = globalThis.fetch
  const sent: (string | undefined)[] = []
  globalThis.fetch = async (_url, init) => {
    sent.push(new Headers(init?.headers).get('authorization') ?? undefined)
    return new Response(null, { status: 403 })
  }
  try {
    await openRegistry(credentials)
      .image(repository, 'tag')
      .catch(() => undefined)
  } finally {
    globalThis.fetch = real
  }
  return sent
}

const tokens = suite("Google's token goes to Google's registries alone")
for (const host of ['us-east1-docker.pkg.dev', 'europe-docker.pkg.dev', 'gcr.io', 'eu.gcr.io', 'US.gcr.io']) {
  tokens(`${host}: yes`, async () => assert.equal(await sentTo(`${host}/p/a`), ['Bearer a-token']))
}
for (const host of [
  'docker.io',
  'ghcr.io',
  'registry.example',
  'evil-docker.pkg.dev.attacker.com',
  'docker.pkg.dev.evil',
  'us-docker.pkg.dev.',
  'us-docker_pkg_dev',
  'us-dockerXpkgXdev.com',
  'x.gcr.io.evil',
  'evilgcr.io',
  'gcr.io:8443',
  'us-docker.pkg.dev:80',
  'us-docker.pkg.dev@evil.example',
  'a:b@us-docker.pkg.dev',
  'evil.example#gcr.io',
  'evil.example\\gcr.io',
  'localhost:5000',
]) {
  tokens(`${host}: no`, async () =>
    assert.equal(
      (await sentTo(`${host}/p/a`)).filter(value => value !== undefined),
      [],
    ),
  )
}
tokens.run()
