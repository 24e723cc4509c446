import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startSshd, type TestServer } from './sshd.ts'

const RUN = join(import.meta.dirname, 'log-in.ts')
const OTHER_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjU2tFmJSDjjzEqsyDBU'

let server: TestServer
const runtime = mkdtempSync(join(tmpdir(), 'login-'))
const login = suite('logIn with OpenSSH against a real sshd')
login.before(async () => {
  server = await startSshd()
})
login.after(async () => {
  await server.stop()
  rmSync(runtime, { recursive: true })
})

async function ssh(more: string[], { input = '', hostKey = server.hostKey } = {}) {
  const child = spawn(process.execPath, [RUN, String(server.port), server.user, server.identityFile, hostKey, ...more], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, XDG_RUNTIME_DIR: runtime },
  })
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { stdout, stderr, code }
}

login('a command’s output and exit code', async () => {
  const { stdout, code, stderr } = await ssh(['echo hello; exit 7'])
  assert.equal([stdout, code], ['hello\n', 7], stderr)
})
login('input reaches it, and all of a long output comes back', async () => {
  const { stdout } = await ssh(['cat; head --bytes 3000000 /dev/zero'], { input: 'täglich' })
  assert.ok(stdout.startsWith('täglich'))
  assert.is(Buffer.byteLength(stdout), 3_000_000 + Buffer.byteLength('täglich'))
})
login('a host with another key is refused, with ssh’s exit code', async () => {
  const { code, stderr, stdout } = await ssh(['echo hello'], { hostKey: OTHER_KEY })
  assert.equal([stdout, code], ['', 255])
  assert.match(stderr, /host key|identification/i)
})
login('nothing stays behind', () => {
  const [folder = ''] = readdirSync(runtime)
  assert.equal(readdirSync(join(runtime, folder)), [])
})
login('ssh’s options are taken', async () => {
  const { stdout } = await ssh(['-o', 'SetEnv=LC_TEST=1', '-T', 'echo here'])
  assert.is(stdout, 'here\n')
})
login.run()
