import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type ServerChannel } from 'ssh2'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Host, openHost } from '../../../lib/host/ssh.ts'
import { precondition } from '../../../lib/runtime/errors.ts'
import { failureOf } from '../support/layers.ts'

const SILENCE_MS = 200
const OFF = precondition('VM/v is TERMINATED: Google took it back', './taskw up')

const folder = mkdtempSync(join(tmpdir(), 'threads-ops-silence-'))
const key = join(folder, 'key')
execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])

let port: number
let running = Promise.withResolvers<ServerChannel>()
const sockets = new Set<Socket>()
const sshd = new ssh2.Server({ hostKeys: [readFileSync(key)] }, client => {
  client.on('error', () => undefined)
  client.on('authentication', asked => asked.accept())
  client.on('session', accept => {
    accept().on('exec', begin => running.resolve(begin()))
  })
})
const relay = createServer(near => {
  const far = connect((sshd.address() as AddressInfo).port, '127.0.0.1')
  near.pipe(far).pipe(near)
  for (const end of [near, far]) sockets.add(end.on('error', () => undefined))
})

const silence = suite('a command whose host goes silent')
silence.before(async () => {
  sshd.listen(0, '127.0.0.1')
  relay.listen(0, '127.0.0.1')
  await Promise.all([once(sshd, 'listening'), once(relay, 'listening')])
  port = (relay.address() as AddressInfo).port
})
silence.before.each(() => {
  running = Promise.withResolvers()
  isCut = false
})
silence.after(() => {
  sshd.close()
  relay.close()
  for (const socket of sockets) socket.destroy()
  rmSync(folder, { recursive: true })
})

/** Nothing goes through any more, and nothing says so: as when a VM is taken away. */
const freeze = () => {
  for (const socket of sockets) socket.unpipe().pause()
}
let isCut = false
const cut = () => {
  isCut = true
  for (const socket of sockets) socket.destroy()
}
const open = (explain: (error: unknown) => Promise<unknown>, signal = new AbortController().signal): Promise<Host> =>
  openHost({
    name: 'v',
    dial: async () => {
      if (isCut) throw await explain(new Error('nothing listens'))
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    },
    explain,
    user: 'u',
    identityFile: key,
    hostKeys: [readFileSync(`${key}.pub`, 'utf8')],
    signal,
    log: { debug: () => undefined },
    silence: SILENCE_MS,
  })
for (const readOnly of [false, true]) {
  for (const [how, happen] of [
    ['goes silent', freeze],
    ['is cut off', cut],
  ] as const) {
    silence(`${readOnly ? 'a read' : 'a change'} on a VM that is off, and ${how}, ends with that reason`, async () => {
      const host = await open(async () => OFF)
      const failure = failureOf(host.run(['sleep', '60'], { readOnly }))
      await running.promise
      const started = performance.now()
      happen()
      const error = await failure
      assert.equal([error.code, error.message], [4, OFF.message])
      assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`)
      await host.close()
    })
  }
}

silence('nobody asks about a host that only takes its time', async () => {
  let asked = 0
  const host = await open(async error => {
    asked++
    return error
  })
  const result = host.run(['sleep', '1'])
  const channel = await running.promise
  setTimeout(() => {
    channel.write('done')
    channel.exit(0)
    channel.end()
  }, 5 * SILENCE_MS)
  assert.is((await result).stdout, 'done')
  assert.is(asked, 0)
  await host.close()
})

silence('a host that is silent but there is waited for as long as before', async () => {
  let asked = 0
  const host = await open(async error => {
    asked++
    return error
  })
  const failure = failureOf(host.run(['sleep', '60']))
  await running.promise
  freeze()
  assert.is((await failure).code, 5)
  assert.ok(asked > 1, `${asked}`)
  await host.close()
})

silence('an answer about the host that never comes keeps nobody', async () => {
  const stop = new AbortController()
  const host = await open(() => new Promise(() => undefined), stop.signal)
  const failure = failureOf(host.run(['sleep', '60']))
  await running.promise
  freeze()
  setTimeout(() => stop.abort(), 3 * SILENCE_MS)
  assert.is((await failure).code, 130)
  await host.close()
})
silence.run()
