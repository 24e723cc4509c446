import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Compute, openCompute } from '../../lib/google/compute.ts'
import { credentials } from '../../lib/google/credentials.ts'
import { keyAdded, sshKey } from '../../lib/phases/vm/ssh-key.ts'
import { OpsError } from '../../lib/runtime/errors.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

const VM = 'threads-lab-vm'
const PATH = `zones/us-east1-b/instances/${VM}`
const NOW = new Date('2026-11-29T16:00:00Z')
const OTHERS =
  'eve:ssh-ed25519 BBBB eve@x\n\nold:ssh-rsa CCCC google-ssh {"userName":"old","expireOn":"2020-01-01T00:00:00+0000"}'
/** What else a VM's metadata hold, and must go on holding as it is. */
const ELSE = [
  { key: 'startup-script', value: '#!/bin/sh\n  k0s start\r\n' },
  { key: 'empty', value: '' },
]

interface Items {
  items?: { key: string; value: string }[]
  fingerprint: string
}

let lab: TestLab
let front: { server: Server; url: string; before: (() => Promise<unknown>) | undefined }
let compute: Compute
let key: string

const phase = suite("one's own SSH key on the VM")

phase.before(async () => {
  lab = await TestLab.start()
  front = await startFront()
  const [token, identityFile] = [join(lab.directory, 'token'), join(lab.directory, 'id')]
  await writeFile(token, TOKEN, { mode: 0o600 })
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me@laptop', '-f', identityFile])
  key = execFileSync('ssh-keygen', ['-y', '-f', identityFile], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ').trim()
  compute = await openCompute({
    ...{ project: PROJECT, zone: 'us-east1-b', credentials: credentials(token), endpoint: `${front.url}/compute/v1/` },
    signal: new AbortController().signal,
  })
  await lab.makeInstance(VM)
})
phase.after(async () => {
  front.server.close()
  await lab.stop()
})
phase.before.each(async () => {
  front.before = undefined
  await setProject([])
})

/** The stand-in, and what somebody else does there just before the metadata are written. */
async function startFront(): Promise<typeof front> {
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const first = front.before
    if (first && request.method === 'POST' && request.url?.includes('/setMetadata')) {
      front.before = undefined
      await first()
    }
    const answer = await fetch(`${lab.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: headersOf(request),
      ...(body.length > 0 && { body }),
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, before: undefined }
}
const headersOf = ({ headers }: IncomingMessage) => ({
  authorization: headers.authorization ?? '',
  'content-type': headers['content-type'] ?? 'application/json',
})

const metadata = async () => (await lab.compute<{ metadata: Items }>('GET', PATH)).metadata
const entryOf = async (name: string) => (await metadata()).items?.find(item => item.key === name)?.value
async function setInstance(items: { key: string; value: string }[]): Promise<void> {
  const { fingerprint } = await metadata()
  await lab.done('POST', `${PATH}/setMetadata`, { fingerprint, items })
}
const setProject = (items: { key: string; value: string }[]) => lab.done('POST', 'setCommonInstanceMetadata', { items })

const contextAt = (now = NOW) =>
  ({
    environment: { name: 'lab', access: { ssh: { user: 'ops', identityFile: join(lab.directory, 'id') } } },
    compute: async () => compute,
    output: async (_: string, name: string) => ({ vm_name: VM, project_id: PROJECT, zone: 'us-east1-b' })[name] ?? '',
    baseLayer: '00-vpc',
    now: () => now,
  }) as unknown as Parameters<ReturnType<typeof sshKey>['check']>[0]
const stateAt = async (now = NOW) => (await sshKey().check(contextAt(now))).state
const entry = (expireOn: string) => `ops:${key} google-ssh {"userName":"ops","expireOn":"${expireOn}"}`
const later = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000)

phase('is added with an expiry, and all else stays as it is', async () => {
  await setInstance([{ key: 'ssh-keys', value: OTHERS }, ...ELSE])
  const found = await sshKey().check(contextAt())
  assert.is(found.state, 'todo')
  if (found.state === 'todo')
    assert.match(found.changes.join(), /add .*id to .* of threads-lab-vm, for user ops, until 2026-11-30T04:00/)
  assert.is(await entryOf('ssh-keys'), OTHERS)

  await sshKey().run(contextAt())
  assert.is(await entryOf('ssh-keys'), `${OTHERS}\n${entry('2026-11-30T04:00:00+0000')}`)
  for (const { key: name, value } of ELSE) assert.is(await entryOf(name), value)
  assert.is(await stateAt(), 'done')
})
phase('is renewed once it expires soon, not added twice', async () => {
  assert.is(await stateAt(later(10)), 'done')
  const found = await sshKey().check(contextAt(later(11.5)))
  if (found.state === 'todo') assert.match(found.changes.join(), /expires 2026-11-30T04:00/)
  assert.is(found.state, 'todo')
  await sshKey().run(contextAt(later(11.5)))
  assert.is(await entryOf('ssh-keys'), `${OTHERS}\n${entry('2026-11-30T15:30:00+0000')}`)
  assert.is(await stateAt(later(100)), 'todo')
})
phase('what somebody else writes at the same time stays', async () => {
  await setInstance(ELSE)
  front.before = () => setInstance([...ELSE, { key: 'ssh-keys', value: 'eve:ssh-ed25519 BBBB' }, { key: 'new', value: 'x' }])
  await sshKey().run(contextAt())
  assert.is(front.before, undefined)
  assert.is(await entryOf('ssh-keys'), `eve:ssh-ed25519 BBBB\n${entry('2026-11-30T04:00:00+0000')}`)
  assert.is(await entryOf('new'), 'x')
})
phase('who adds the same key at the same time does it for both', async () => {
  await setInstance(ELSE)
  front.before = () => setInstance([...ELSE, { key: 'ssh-keys', value: `ops:${key} me@laptop` }])
  await sshKey().run(contextAt())
  assert.is(await entryOf('ssh-keys'), `ops:${key} me@laptop`)
})
phase("of the project's keys, as far as the VM takes them", async () => {
  await setInstance(ELSE)
  await setProject([{ key: 'ssh-keys', value: `ops:${key} me@laptop` }])
  assert.is(await stateAt(), 'done')
  await setInstance([...ELSE, { key: 'block-project-ssh-keys', value: 'TRUE' }])
  assert.is(await stateAt(), 'todo')
})
phase('OS Login is refused, with what to do', async () => {
  await setInstance(ELSE)
  await setProject([{ key: 'enable-oslogin', value: 'TRUE' }])
  const found = await sshKey().check(contextAt())
  assert.is(found.state, 'refused')
  if (found.state !== 'refused') return
  assert.is(found.refusal.code, 4)
  assert.match(found.refusal.message, `project ${PROJECT}`)
  assert.match(found.refusal.hint, `gcloud compute instances add-metadata ${VM} --project ${PROJECT} --zone us-east1-b`)
  await setInstance([...ELSE, { key: 'enable-oslogin', value: 'FALSE' }])
  assert.is(await stateAt(), 'todo')
  await setInstance([...ELSE, { key: 'enable-oslogin', value: 'TRUE' }])
  assert.is(await stateAt(), 'refused')
})
phase('a verb without phases says what it adds, waits for it, and adds nothing the second time', async () => {
  await setInstance(ELSE)
  const said: string[] = []
  let opened = 0
  const context = {
    ...contextAt(),
    log: { info: (text: string) => said.push(text), debug: () => undefined },
    signal: new AbortController().signal,
    host: async () => {
      opened += 1
      throw new OpsError(4, 'the key has a passphrase', 'ssh asks for it')
    },
  } as unknown as Parameters<typeof keyAdded>[0]
  await keyAdded(context)
  await keyAdded(context)
  assert.is(said.length, 1)
  assert.match(said[0] ?? '', /for user ops/)
  assert.is(opened, 1)
})
phase('a VM that is gone', async () => {
  assert.is(await compute.login('none'), undefined)
})
phase.run()
