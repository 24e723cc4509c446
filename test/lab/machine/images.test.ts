import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { emptyTar } from '../../../lab/delivery/oci.ts'
import { Images } from '../../../lab/machine/node-agent/images.ts'
import { withServer } from '../../unit/support/server.ts'

const digestOf = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const layer = gzipSync(emptyTar)
const config = JSON.stringify({ os: 'linux', architecture: 'amd64' })
const manifest = JSON.stringify({
  config: { digest: digestOf(config), size: config.length },
  layers: [{ digest: digestOf(layer), size: layer.length }],
})

const images = suite('Images')
images('pods that start together pull the same image', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'threads-ops-images-'))
  try {
    await withServer(
      (request, response) => {
        const isManifest = request.url?.includes('/manifests/')
        response.setHeader('docker-content-digest', digestOf(manifest))
        response.end(isManifest ? manifest : request.url?.endsWith(digestOf(layer)) ? layer : config)
      },
      async url => {
        const machine = new Images(url, join(directory, 'images.json'))
        const pulled = await Promise.all(Array.from({ length: 8 }, () => machine.pull('quay.io/a/b:1')))
        assert.ok(pulled.every(({ content }) => existsSync(content)))
        assert.is(new Set(pulled.map(({ content }) => content)).size, 1)
      },
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})
images.run()
