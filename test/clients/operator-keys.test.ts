import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openCompute } from '../../lib/google/compute.ts'
import { credentials } from '../../lib/google/credentials.ts'
import { operatorKeys } from '../../lib/phases/vm/operator-keys.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

const [OPS, LEFT] = ['ops:ssh-ed25519 AAAA managed-by=threads-ops', 'eve:ssh-ed25519 BBBB managed-by=threads-ops']
const GCLOUD = 'me:ssh-rsa CCCC me@laptop'
const VM = 'threads-lab-vm'

const phase = suite<{ lab: TestLab }>("operators' keys on the VM")

phase.before(async context => {
  context.lab = await TestLab.start()
  const items = [
    { key: 'enable-oslogin', value: 'FALSE' },
    { key: 'ssh-keys', value: `${LEFT}\n${GCLOUD}` },
  ]
  await context.lab.makeInstance(VM, { metadata: { items } })
})
phase.after(({ lab }) => lab.stop())

phase("are written once, and nobody else's key is lost", async ({ lab }) => {
  const file = join(lab.directory, 'token')
  await writeFile(file, TOKEN, { mode: 0o600 })
  const compute = await openCompute({
    ...{ project: PROJECT, zone: 'us-east1-b', credentials: credentials(file), endpoint: `${lab.url}/compute/v1/` },
    signal: new AbortController().signal,
  })
  const context = {
    compute: async () => compute,
    output: async () => VM,
    outputs: async () => ({ ssh_keys: [OPS] }),
    baseLayer: '00-vpc',
  }
  const keys = operatorKeys()
  assert.is((await keys.check(context)).state, 'todo')
  await keys.run(context)
  assert.is((await keys.check(context)).state, 'done')
  assert.is(await compute.metadata(VM, 'ssh-keys'), `${GCLOUD}\n${OPS}`)
  assert.is(await compute.metadata(VM, 'enable-oslogin'), 'FALSE')

  // A layer that was applied before it had the output.
  assert.is((await keys.check({ ...context, outputs: async () => ({}) })).state, 'done')
})

phase.run()
