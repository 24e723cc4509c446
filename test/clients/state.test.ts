import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OpsError } from '../../lib/runtime/errors.ts'
import { PROJECT, TestLab } from './support/lab.ts'

const state = suite<{ lab: TestLab }>('the stand-in’s state on disk')
state.before.each(async context => {
  context.lab = await TestLab.start()
})
state.after.each(({ lab }) => lab.stop())

const network = (name: string) => ({ name, autoCreateSubnetworks: false })
const names = async (lab: TestLab) =>
  (await lab.compute<{ items?: { name: string }[] }>('GET', 'global/networks')).items?.map(({ name }) => name) ?? []

for (const [damage, text] of Object.entries({
  empty: '',
  torn: '{"kind":"compute#network","selfLink":"https://www.goo',
  garbage: '\0\0\0\0',
  'of another kind': '{"name":"net"}',
  'another resource': '{"selfLink":"https://www.googleapis.com/compute/v1/projects/p/global/networks/other"}',
  'no object': '[]',
})) {
  state(`a file that is ${damage} is refused in words`, async ({ lab }) => {
    const file = join(lab.directory, 'google/networks', `${encodeURIComponent(`projects/${PROJECT}/global/networks/net`)}.json`)
    await writeFile(file, text)
    const error: unknown = await lab.restart().catch(thrown => thrown)
    await rm(file)
    await lab.restart()
    assert.instance(error, OpsError)
    assert.is((error as OpsError).code, 4)
    assert.match((error as OpsError).message, file)
    assert.match((error as OpsError).hint, '`./taskw lab:reset`')
  })
}

state('what a write that was cut off left behind goes', async ({ lab }) => {
  const folder = join(lab.directory, 'google/networks')
  await writeFile(join(folder, 'net.json.0123.tmp'), '{"na')
  await lab.restart()
  assert.equal(await readdir(folder), [])
})

state('a change that does not reach the disk is answered so and taken back; the same goes through later', async ({ lab }) => {
  const folder = join(lab.directory, 'google/networks')
  await lab.done('POST', 'global/networks', network('before'))
  await rename(folder, `${folder}.away`)
  await writeFile(folder, 'no folder')
  const refused = await lab.request('POST', `/compute/v1/projects/${PROJECT}/global/networks`, network('during'))
  const body = { routingConfig: { routingMode: 'GLOBAL' } }
  const unchanged = await lab.request('PATCH', `/compute/v1/projects/${PROJECT}/global/networks/before`, body)
  const seen = await names(lab)
  await rm(folder)
  await rename(`${folder}.away`, folder)

  assert.is(refused.status, 500)
  assert.is(unchanged.status, 500)
  assert.equal(seen, ['before'])
  const { routingConfig } = await lab.compute('GET', 'global/networks/before')
  assert.is.not((routingConfig as { routingMode?: string } | undefined)?.routingMode, 'GLOBAL')
  await lab.done('POST', 'global/networks', network('during'))
  await lab.restart()
  assert.equal((await names(lab)).sort(), ['before', 'during'])
})

state('an operation whose end cannot be written down has ended all the same', async ({ lab }) => {
  await lab.makeInstance()
  const folder = join(lab.directory, 'google/operations')
  await lab.request('POST', '/lab/faults', { kind: 'operation-hang', operation: 'stop' })
  const { selfLink } = await lab.compute<{ selfLink: string }>('POST', 'zones/us-east1-b/instances/threads-lab-vm/stop')
  await rename(folder, `${folder}.away`)
  await writeFile(folder, 'no folder')
  await lab.request('DELETE', '/lab/faults')
  const operation = selfLink.slice(selfLink.indexOf(PROJECT) + PROJECT.length + 1)
  await lab.compute('POST', `${operation}/wait`)
  // Written after the operation, so that by its answer that has failed.
  assert.is((await lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'bucket' })).status, 200)
  const done = await lab.compute<{ status: string }>('GET', operation)
  await rm(folder)
  await rename(`${folder}.away`, folder)
  assert.is(done.status, 'DONE')
  await lab.restart()
  assert.is((await lab.compute<{ status: string }>('POST', `${operation}/wait`)).status, 'DONE')
  assert.is((await lab.compute<{ status: string }>('GET', 'zones/us-east1-b/instances/threads-lab-vm')).status, 'TERMINATED')
})

state.run()
