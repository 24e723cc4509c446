import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { OpsError } from '../../../lib/runtime/errors.ts'

const CONTENT = 'a binary'
const sha256 = createHash('sha256').update(CONTENT).digest('hex')
const { signal } = new AbortController()

let directory: string
let server: Server
let url: string
let requests = 0
let localArtifact: typeof import('../../../lib/host/artifact.ts').localArtifact

const artifacts = suite('localArtifact')

artifacts.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'threads-ops-artifact-'))
  await writeFile(join(directory, 'k0s'), CONTENT)
  process.env.XDG_CACHE_HOME = directory
  ;({ localArtifact } = await import('../../../lib/host/artifact.ts'))
  server = createServer((request, response) => {
    requests++
    response.statusCode = request.url === '/k0s' ? 200 : 404
    response.end(CONTENT)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
artifacts.after(async () => {
  server.closeAllConnections()
  server.close()
  await rm(directory, { recursive: true })
})

artifacts('a file with the right digest', async () => {
  const file = join(directory, 'k0s')
  assert.is(await localArtifact({ file, sha256 }, signal), file)
})

artifacts('a URL is fetched once', async () => {
  const first = await localArtifact({ url: `${url}/k0s`, sha256 }, signal)
  assert.is(await readFile(first, 'utf8'), CONTENT)
  assert.is(await localArtifact({ url: `${url}/k0s`, sha256 }, signal), first)
  assert.is(requests, 1)
})

const other = '0'.repeat(64)
for (const [why, artifact, code, message] of [
  ['a file with another digest', { file: 'k0s', sha256: other }, 3, /k0s has SHA-256 [0-9a-f]{64}, .* expects 0{64}/],
  ['a missing file', { file: 'none', sha256 }, 3, /there is no file/],
  ['a URL that serves something else', { url: '/k0s', sha256: other }, 5, /serves SHA-256/],
  ['a URL that is gone', { url: '/none', sha256: other }, 5, /answers 404/],
] as const) {
  artifacts(why, async () => {
    const wanted =
      'file' in artifact ? { ...artifact, file: join(directory, artifact.file) } : { ...artifact, url: url + artifact.url }
    const error = (await localArtifact(wanted, signal).catch(thrown => thrown)) as OpsError
    assert.is(error.code, code)
    assert.match(error.message, message)
  })
}
artifacts.run()
