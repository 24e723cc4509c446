import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { presentedKey } from '../../../lib/host/presented-key.ts'
import type { Attributes } from '../../../lib/model/access/login.ts'
import { acceptedHostKeys } from '../../../lib/operation/host-keys.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { startSshd, type TestServer } from './sshd.ts'

const OTHER_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjU2tFmJSDjjzEqsyDBU'

let server: TestServer
let file: string
const bare = () => server.hostKey.split(' ').slice(0, 2).join(' ')
const print = () =>
  execFileSync('ssh-keygen', ['-l', '-f', join(server.directory, 'host.pub')], { encoding: 'utf8' }).split(' ')[1]

/** The keys of an instance that has these metadata, and what is said on the way. */
async function accepted(id: string, { instance = {}, published = [] }: { instance?: Attributes; published?: string[] } = {}) {
  const said: string[] = []
  let dialled = 0
  const context = {
    compute: async () => ({
      login: async () => ({ id, instance, project: {} }),
      hostKeys: async () => published,
      vm: async () => ({ name: 'vm', status: 'RUNNING', statusMessage: '' }),
    }),
    output: async () => 'vm',
    baseLayer: '00-vpc',
    dial: () => {
      dialled += 1
      return server.dial()
    },
    signal: new AbortController().signal,
    log: { warn: (text: string) => said.push(text) },
  } as unknown as Parameters<typeof acceptedHostKeys>[1]
  const keys = await acceptedHostKeys('vm', context, { within: 5000, file }).catch((error: OpsError) => error)
  return { keys, said, dialled }
}

const first = suite('host keys of a VM without guest attributes')
first.before(async () => {
  server = await startSshd()
  file = join(server.directory, 'home', '.ssh', 'google_compute_known_hosts')
})
first.after(() => server.stop())

first('the first use shows the fingerprint, and keeps the key by the instance’s id', async () => {
  const { keys, said } = await accepted('41')
  assert.equal(keys, [bare()])
  assert.is(said.length, 1)
  assert.match(said[0] ?? '', print() ?? 'none')
  assert.match(said[0] ?? '', 'instance 41')
  assert.is(await readFile(file, 'utf8'), `compute.41 ${bare()}\n`)
})
first('later ones say nothing, and add nothing', async () => {
  const { keys, said } = await accepted('41')
  assert.equal([keys, said], [[bare()], []])
  assert.is(await readFile(file, 'utf8'), `compute.41 ${bare()}\n`)
})
first('a VM that was made again is another one', async () => {
  await writeFile(file, `compute.41 ${OTHER_KEY}`)
  const { keys, said } = await accepted('42')
  assert.equal([keys, said.length], [[bare()], 1])
  assert.is(await readFile(file, 'utf8'), `compute.41 ${OTHER_KEY}\ncompute.42 ${bare()}\n`)
})
first('another key of the same instance is refused, with what to do', async () => {
  const { keys, said } = await accepted('41')
  assert.instance(keys, OpsError)
  const { code, message, hint } = keys as OpsError
  assert.is(code, 4)
  assert.match(message, print() ?? 'none')
  assert.match(message, /first used/)
  assert.match(hint, `ssh-keygen -R compute.41 -f ${file}`)
  assert.equal(said, [])
  assert.is(await readFile(file, 'utf8'), `compute.41 ${OTHER_KEY}\ncompute.42 ${bare()}\n`)
})
first('what gcloud has seen is known', async () => {
  await writeFile(file, `compute.43 ecdsa-sha2-nistp256 AAAA\ncompute.43 ${bare()}\n`)
  assert.equal((await accepted('43')).said, [])
})
first('where there are guest attributes, only what is published counts, and nothing is kept', async () => {
  const before = await readFile(file, 'utf8')
  const { keys, said, dialled } = await accepted('44', {
    instance: { 'enable-guest-attributes': 'TRUE' },
    published: [OTHER_KEY],
  })
  assert.equal([keys, said, dialled], [[OTHER_KEY], [], 0])
  assert.is(await readFile(file, 'utf8'), before)
})
first.run()

const shown = suite('presentedKey')
shown('a host that says nothing at all ends at the deadline', async () => {
  const silent = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  await new Promise(resolve => silent.once('listening', resolve))
  const { connect } = await import('node:net')
  const failure = await presentedKey({
    name: 'vm',
    dial: async () => connect((silent.address() as { port: number }).port, '127.0.0.1'),
    known: [],
    within: 300,
    signal: new AbortController().signal,
  }).catch((error: OpsError) => error)
  silent.close()
  assert.is((failure as OpsError).code, 124)
})
shown.run()
