import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ConnectionOptions } from '../../../lib/host/connection.ts'
import { probe } from '../../../lib/host/probe.ts'
import { type Host, openHost } from '../../../lib/host/ssh.ts'
import { upload } from '../../../lib/host/transfer.ts'
import { factsFrom } from '../../../lib/model/k0s/facts.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { readIfExists } from '../../../lib/runtime/files.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { makeKey, startSshd, type TestServer } from './sshd.ts'

const OTHER_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjU2tFmJSDjjzEqsyDBU'

let server: TestServer
let host: Host
const ssh = suite('openHost against a real sshd')

const open = (options: Partial<ConnectionOptions> = {}) =>
  openHost({
    name: 'threads-test-vm',
    dial: server.dial,
    user: server.user,
    identityFile: server.identityFile,
    hostKeys: [server.hostKey],
    signal: new AbortController().signal,
    log: { debug: () => undefined },
    within: 5000,
    keysWithin: 0,
    ...options,
  })

const failure = async (promise: Promise<unknown>): Promise<OpsError> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    error => error,
  )

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')

ssh.before(async () => {
  server = await startSshd()
  host = await open()
})
ssh.after(async () => {
  await host.close()
  await server.stop()
})

ssh('keeps stdout, stderr and the exit code apart', async () => {
  const script = 'printf "%s" "$1"; echo problem >&2; exit 3'
  const result = await host.run({ script, args: ["it's $HOME; `x`\n"] }, { nothrow: true })
  assert.equal(result, { stdout: "it's $HOME; `x`\n", stderr: 'problem\n', code: 3 })
})

ssh('a failed command throws what it said', async () => {
  const { code, message } = await failure(host.run({ script: 'echo no such thing >&2; exit 7' }, { what: 'looking' }))
  assert.is(code, 5)
  assert.match(message, /looking on threads-test-vm failed with exit code 7:\nno such thing/)
})

ssh('input reaches the command', async () => {
  assert.is((await host.run(['cat'], { input: 'täglich' })).stdout, 'täglich')
})

ssh('a command has a deadline', async () => {
  assert.is((await failure(host.run(['sleep', '2'], { timeout: 100 }))).code, 124)
})

ssh('an abort ends the wait', async () => {
  const stop = new AbortController()
  const other = await open({ signal: stop.signal })
  setTimeout(() => stop.abort(), 50)
  assert.is((await failure(other.run(['sleep', '2']))).code, 130)
  await other.close()
})

ssh('connects again after the tunnel dropped', async () => {
  server.cut()
  assert.is((await host.run(['echo', 'back'])).stdout, 'back\n')
})

ssh('reads again what the tunnel took along, but never repeats a mutation', async () => {
  const script = 'echo x >> "$1"; [ $(wc -l < "$1") = 2 ] || sleep 2'
  const interrupted = async (readOnly: boolean) => {
    const attempts = join(server.directory, `attempts-${readOnly}`)
    const cut = waitFor({ what: 'the first attempt', within: 5000, every: 20, probe: () => readIfExists(attempts) })
    await Promise.all([
      host.run({ script, args: [attempts] }, { readOnly }).finally(async () => {
        assert.is(await readFile(attempts, 'utf8'), readOnly ? 'x\nx\n' : 'x\n')
      }),
      cut.then(server.cut),
    ])
  }
  await interrupted(true)
  const { code, message } = await failure(interrupted(false))
  assert.is(code, 5)
  assert.match(message, /it may have run/)
})

ssh('a strange host key ends it at once, naming both fingerprints', async () => {
  let dials = 0
  const dial = () => {
    dials++
    return server.dial()
  }
  const { code, message } = await failure(open({ hostKeys: [OTHER_KEY], dial }))
  assert.is(code, 4)
  assert.is(message.match(/SHA256:/g)?.length, 2)
  assert.is(dials, 1)
})

ssh('no published host key: nothing is trusted on first use', async () => {
  assert.match((await failure(open({ hostKeys: [] }))).message, /has published no SSH host keys/)
})

ssh('a key that the host does not know', async () => {
  const stranger = join(server.directory, 'stranger')
  makeKey(stranger)
  const { code, message } = await failure(open({ identityFile: stranger }))
  assert.is(code, 4)
  assert.match(message, /refuses the key .*stranger for user/)
})

ssh('a key with a passphrase', async () => {
  const locked = join(server.directory, 'locked')
  makeKey(locked, 'correct horse')
  const { code, message } = await failure(open({ identityFile: locked }))
  assert.is(code, 4)
  assert.match(message, /has a passphrase/)
})

ssh('a key that is missing', async () => {
  assert.match((await failure(open({ identityFile: join(server.directory, 'none') }))).message, /there is no SSH key/)
})

ssh('a host that is still booting is tried again until it answers', async () => {
  let dials = 0
  const dial = () => (++dials < 2 ? Promise.reject(new Error('connect ECONNREFUSED')) : server.dial())
  const booting = await open({ dial })
  assert.is(dials, 2)
  await booting.close()
})

ssh('a host that never answers', async () => {
  const { code, message } = await failure(open({ dial: () => Promise.reject(new Error('refused')), within: 100 }))
  assert.is(code, 124)
  assert.match(message, /timed out after 0\.. s waiting for SSH on threads-test-vm; last error: refused/)
})

ssh('an upload appears whole, with its mode, and leaves nothing else', async () => {
  const target = join(server.directory, 'up', "it's")
  const seen: number[] = []
  const content = 'x'.repeat(300_000)
  const source = Buffer.from(content)
  await upload(host, { source, target, mode: 0o640, sha256: sha256(content), progress: sent => seen.push(sent) })
  assert.is(await readFile(target, 'utf8'), content)
  assert.is((await stat(target)).mode & 0o777, 0o640)
  assert.is(seen.at(-1), content.length)
  assert.equal(await readdir(join(server.directory, 'up')), ["it's"])
})

ssh('an upload that is not what was expected, or not accepted, changes nothing', async () => {
  const directory = join(server.directory, 'kept')
  const target = join(directory, 'file')
  await mkdir(directory)
  await writeFile(target, 'before')
  const source = Buffer.from('torn')
  const torn = await failure(upload(host, { source, target, mode: 0o600, sha256: sha256('whole') }))
  assert.match(torn.message, /what arrived has SHA-256/)
  const refused = upload(host, { source, target, mode: 0o600, sha256: sha256('torn'), accept: ['grep', '-q', 'valid'] })
  assert.is((await failure(refused)).code, 5)
  assert.is(await readFile(target, 'utf8'), 'before')
  assert.equal(await readdir(directory), ['file'])
})

ssh('an upload that the tunnel cuts leaves no temporary file', async () => {
  const directory = join(server.directory, 'cut')
  const target = join(directory, 'file')
  await mkdir(directory)
  const endless = Readable.from(
    (async function* () {
      yield Buffer.alloc(100_000)
      setTimeout(() => server.cut(), 100)
      await new Promise(resolve => setTimeout(resolve, 500))
    })(),
  )
  const script = { script: 'trap "rm -f $1" EXIT; trap "exit 129" HUP; cat > "$1"; sha256sum "$1"; exit 65', args: [target] }
  await failure(host.run(script, { input: () => endless }))
  await new Promise(resolve => setTimeout(resolve, 200))
  assert.equal(await readdir(directory), [])
})

ssh('an upload replaces a file and keeps the one before', async () => {
  const target = join(server.directory, 'config')
  for (const content of ['one', 'two']) {
    await upload(host, { source: Buffer.from(content), target, mode: 0o600, sha256: sha256(content), backup: true })
  }
  assert.is(await readFile(target, 'utf8'), 'two')
  assert.is(await readFile(`${target}.old`, 'utf8'), 'one')
})

ssh('one probe says what the host is', async () => {
  const facts = factsFrom(await probe(host))
  assert.is(facts.architecture, { x64: 'amd64', arm64: 'arm64' }[process.arch as string])
  assert.is(facts.clockSkew, 0)
  assert.match(facts.bootId, /^[0-9a-f-]{36}$/)
  assert.ok(facts.freeBytes > 0)
})

ssh.run()
