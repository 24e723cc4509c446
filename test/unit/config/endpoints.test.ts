import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadEndpoints } from '../../../lib/config/endpoints.ts'
import type { Environment } from '../../../lib/config/schema.ts'
import { asOpsError } from '../../../lib/runtime/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'threads-ops-endpoints-'))
const file = join(folder, 'endpoints.json')
const at = 'http://127.0.0.1:1'
const all = {
  ...{ compute: at, storage: at, iam: at, resourceManager: at, serviceUsage: at, registry: at, git: at, github: at },
  ...{ iapRelay: 'ws://127.0.0.1:1', tokenFile: 'token' },
}

async function codeOf(endpoints: object): Promise<number | undefined> {
  writeFileSync(file, JSON.stringify(endpoints))
  try {
    await loadEndpoints({ name: 'x', endpoints: file } as Environment)
    return undefined
  } catch (thrown) {
    return asOpsError(thrown).code
  }
}

const endpoints = suite('endpoints')
endpoints.after(() => rmSync(folder, { recursive: true }))
endpoints('as the lab writes them', async () => assert.is(await codeOf(all), undefined))
for (const name of Object.keys(all)) {
  endpoints(`without ${name} the environment's token would go to somebody else`, async () =>
    assert.is(await codeOf({ ...all, [name]: undefined }), 3),
  )
}
for (const [name, url] of [
  ['git', 'ext::sh -c true'],
  ['git', 'git://127.0.0.1/'],
  ['git', '-uevil'],
  ['git', '--upload-pack=evil'],
  ['compute', 'file:///etc'],
  ['registry', 'data:,x'],
  ['iapRelay', 'http://127.0.0.1'],
]) {
  endpoints(`${name} is not ${url}`, async () => assert.is(await codeOf({ ...all, [name as string]: url }), 3))
}
endpoints.run()
