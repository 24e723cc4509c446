import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { processesWith } from '../../../lab/machine/process.ts'
import { ownFolder, socketFolders } from '../../../lib/google/lease.ts'
import { choosePort, openTunnel, type Tunnel, type TunnelOptions } from '../../../lib/google/tunnel.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import { freePort } from '../support/server.ts'

/** What a busy machine takes for what is done within a second. */
const SOON_MS = 5000
const USER = join(import.meta.dirname, '../support/tunnel-user.ts')

const folder = mkdtempSync(join(tmpdir(), 'tunnel-'))
process.env.XDG_RUNTIME_DIR = folder
const uid = process.getuid?.() ?? 0
const sockets = () => readdirSync(join(folder, `threads-ops-${uid}`))

interface Context {
  relay: Relay
  port: number
  tunnels: Tunnel[]
  users: ChildProcess[]
}

const tunnels = suite<Context>('openTunnel')
tunnels.before.each(async context => {
  Object.assign(context, { relay: await startRelay(), port: await freePort(), tunnels: [], users: [] })
})
tunnels.after.each(async ({ relay, port, tunnels, users }) => {
  for (const user of users) user.kill('SIGKILL')
  await Promise.all(tunnels.map(tunnel => tunnel.close()))
  await soon('its process ends', () => processesOf(port).length === 0)
  await relay.close()
})
tunnels.after(() => rmSync(folder, { recursive: true }))

const processesOf = (port: number) => processesWith('cmdline', words => words.some(word => word.endsWith(`/tunnel-${port}`)))
const theProcess = (port: number): number => {
  const [found, ...more] = processesOf(port)
  assert.ok(found && more.length === 0, `processes: ${more.length + (found ? 1 : 0)}`)
  return found.pid
}

async function soon(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + SOON_MS
  while (!(await holds())) {
    assert.ok(Date.now() < until, `${what}: not within ${SOON_MS} ms`)
    await sleep(20)
  }
}

async function open({ relay, port, tunnels }: Context, options: Partial<TunnelOptions> = {}, instance = 'vm') {
  const leadsTo = { relay: relay.url, project: 'p', zone: 'z', instance, port: 6443 }
  const tunnel = await openTunnel(port, { leadsTo, token: async () => 'a-token', ...options })
  tunnels.push(tunnel)
  return tunnel
}

/** Another process that holds the tunnel, in a process group of its own. */
async function user({ relay, port, users }: Context, instance = 'vm'): Promise<ChildProcess> {
  const child = spawn(process.execPath, [USER, String(port), relay.url, instance], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  users.push(child)
  const [said] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(SOON_MS) })
  assert.is(String(said), 'true\n')
  return child
}

/** The next words of a connection; undefined when it ends without. */
async function heard(socket: Socket): Promise<string | undefined> {
  const over = AbortSignal.timeout(SOON_MS)
  // Connections that are cut end with an error.
  const said = once(socket, 'data', { signal: over }).then(([data]) => String(data))
  const ended = socket.closed ? undefined : new Promise<undefined>(resolve => socket.once('close', () => resolve(undefined)))
  const words = await Promise.race([said.catch(() => ended), ended])
  assert.not(over.aborted, 'neither a word nor the end')
  return words
}

/** What the far end says first; undefined when it can't be reached. */
async function greeted(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  try {
    return await heard(socket)
  } finally {
    socket.destroy()
  }
}

async function echoes(socket: Socket, text: string): Promise<void> {
  socket.write(text)
  assert.is(await heard(socket), text)
}

/** A connection through the tunnel that is open. */
async function flowing(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  assert.is(await heard(socket), 'vm:')
  return socket
}

tunnels('leads there at once, and is gone with its only user', async context => {
  const { port, relay } = context
  const tunnel = await open(context)
  assert.is(tunnel.own, true)
  assert.is(await greeted(port), 'vm:')
  assert.equal(relay.tokens, ['a-token'])
  assert.ok(sockets().includes(`tunnel-${port}`))
  await tunnel.close()
  assert.is(await greeted(port), undefined)
  assert.not(sockets().includes(`tunnel-${port}`))
  assert.is(tunnel.own, false)
})

tunnels('a stream of the second user flows on when the first one ends, and ends with the last', async context => {
  const [first, second] = [await open(context), await open(context)]
  assert.equal([first.own, second.own], [true, true])
  const stream = await flowing(context.port)
  await first.close()
  await echoes(stream, 'and on')
  await second.close()
  assert.is(await heard(stream), undefined)
})

tunnels('when its process is killed, the users that are left have another', async context => {
  const { port } = context
  const [, second] = [await open(context), await open(context)]
  const stream = await flowing(port)
  const killed = theProcess(port)
  process.kill(killed, 'SIGKILL')
  assert.is(await heard(stream), undefined)
  const began = performance.now()
  await soon('a connection works', async () => (await greeted(port)) === 'vm:')
  assert.ok(performance.now() - began < 15_000, `it took ${performance.now() - began} ms`)
  await soon('both have it', () => context.tunnels.every(tunnel => tunnel.own))
  assert.is.not(theProcess(port), killed)
  await second.close()
  assert.is(await greeted(port), 'vm:')
})

tunnels('when all users are killed, it ends, and whatever it forwards', async context => {
  const { port } = context
  const users = [await user(context), await user(context)]
  const stream = await flowing(port)
  users[0]?.kill('SIGKILL')
  await sleep(200)
  await echoes(stream, 'one is left')
  users[1]?.kill('SIGKILL')
  const began = performance.now()
  assert.is(await heard(stream), undefined)
  await soon('its process ends', () => processesOf(port).length === 0)
  assert.ok(performance.now() - began < 15_000)
  assert.not(sockets().includes(`tunnel-${port}`))
})

tunnels('many at once have one', async context => {
  const opened = await Promise.all([...Array.from({ length: 8 }, () => open(context)), user(context), user(context)])
  assert.is(opened.length, 10)
  await soon('all have it', () => context.tunnels.every(tunnel => tunnel.own))
  theProcess(context.port)
  assert.is(await greeted(context.port), 'vm:')
})

tunnels('many at once have another when its process is killed, again and again', async context => {
  await Promise.all([...Array.from({ length: 5 }, () => open(context)), user(context)])
  for (let round = 0; round < 3; round++) {
    await flowing(context.port)
    process.kill(theProcess(context.port), 'SIGKILL')
    await soon('a connection works', async () => (await greeted(context.port)) === 'vm:')
    await soon('all have it', () => context.tunnels.every(tunnel => tunnel.own))
    theProcess(context.port)
  }
})

tunnels('neither Ctrl-C nor the end of a terminal reaches it, nor its user’s folder', async context => {
  const { pid = 0 } = await user(context)
  const stream = await flowing(context.port)
  process.kill(-pid, 'SIGINT')
  process.kill(-pid, 'SIGHUP')
  await sleep(200)
  await echoes(stream, 'and on')
  assert.is(
    readFileSync(`/proc/${theProcess(context.port)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ')[3],
    String(theProcess(context.port)),
  )
})

tunnels('a stranger on the port is used, and replaced when it ends', async context => {
  const { port } = context
  const stranger = createServer(socket => socket.end('stranger')).listen(port, '127.0.0.1')
  await once(stranger, 'listening')
  const tunnel = await open(context)
  assert.is(tunnel.own, false)
  assert.is(await greeted(port), 'stranger')
  stranger.close()
  await soon('it takes the place', () => tunnel.own)
  assert.is(await greeted(port), 'vm:')
})

tunnels('one that is closed takes nobody’s place', async context => {
  const stranger = createServer(socket => socket.end('stranger')).listen(context.port, '127.0.0.1')
  await once(stranger, 'listening')
  const tunnel = await open(context)
  await tunnel.close()
  await new Promise(resolve => stranger.close(resolve))
  await sleep(300)
  assert.is(await greeted(context.port), undefined)
})

tunnels('a tunnel to another VM is named, not taken for one’s own, and given no token', async context => {
  await open(context)
  let asked = 0
  const token = async () => `${++asked}`
  const refused = await open(context, { token }, 'other').catch((error: OpsError) => error)
  assert.ok(refused instanceof OpsError)
  assert.is(refused.code, 4)
  assert.match(refused.message, `port ${context.port} is that of a tunnel to another VM: vm in p, z`)
  assert.match(refused.message, `process ${theProcess(context.port)}`)
  assert.match(refused.hint, 'api_local_port')
  assert.is(await greeted(context.port), 'vm:')
  assert.is(asked, 0)
})

tunnels('a port is chosen: that of the same tunnel, else the first that is free', async context => {
  const { relay, port } = context
  const leadsTo = (instance: string) => ({ relay: relay.url, project: 'p', zone: 'z', instance, port: 6443 })
  assert.is(await choosePort(port, leadsTo('vm')), port)
  assert.ok((await choosePort(port, leadsTo('vm'), [port])) > port, 'one that another environment has is left to it')
  await open(context)
  assert.is(await choosePort(port, leadsTo('vm')), port)
  assert.ok((await choosePort(port, leadsTo('other'))) > port, 'that of a tunnel to another VM is taken')
  assert.is(await greeted(port), 'vm:')
})

tunnels('one that hangs is a stranger', async context => {
  const first = await open(context)
  await flowing(context.port)
  assert.is(await first.answers(), true)
  const hung = theProcess(context.port)
  process.kill(hung, 'SIGSTOP')
  const began = performance.now()
  const other = await open(context)
  assert.is(other.own, false)
  assert.ok(performance.now() - began < 20_000)
  assert.equal([first.own, await first.answers(), await other.answers()], [true, false, false])
  const interrupt = new AbortController()
  const waiting = open(context, { signal: interrupt.signal }).catch((error: OpsError) => error.code)
  setTimeout(() => interrupt.abort(), 100)
  const interrupted = performance.now()
  assert.is(await waiting, 130)
  assert.ok(performance.now() - interrupted < 15_000)
  process.kill(hung, 'SIGKILL')
  await soon('they have another', () => context.tunnels.every(tunnel => tunnel.own))
})

tunnels('any user’s token will do; without one the reason is told', async context => {
  const said: string[] = []
  const away = {
    token: async () => {
      throw new OpsError(4, 'no credentials', 'log in')
    },
    heard: (message: string) => said.push(message),
  }
  await open(context, away)
  assert.is(await greeted(context.port), undefined)
  await soon('it is told', () => said.length > 0)
  assert.match(said[0] ?? '', 'no credentials')
  const other = await open(context)
  assert.is(await greeted(context.port), 'vm:')
  await other.close()
  assert.is(await greeted(context.port), undefined)
})

tunnels('what the relay says is told to all users', async context => {
  const said: string[] = []
  const heard = (message: string) => said.push(message)
  const token = async () => 'wrong'
  await Promise.all([open(context, { heard, token }), open(context, { heard, token })])
  assert.is(await greeted(context.port), undefined)
  await soon('it is told', () => said.length === 2)
  assert.match(said[0] ?? '', /IAP could not connect to port 6443 of vm: 4033 not authorized/)
})

tunnels('a port that no process can have: 5, and which', async context => {
  const refused = await open({ ...context, port: 70_000 }).catch((error: OpsError) => error)
  assert.ok(refused instanceof OpsError, String(refused))
  assert.is(refused.code, 5)
  assert.match(refused.message, 'port 70000')
})

tunnels('another is started though the folder of the sockets was swept away', async context => {
  await open(context)
  await flowing(context.port)
  rmSync(join(folder, `threads-ops-${uid}`), { recursive: true })
  process.kill(theProcess(context.port), 'SIGKILL')
  await soon('a connection works', async () => (await greeted(context.port)) === 'vm:')
})

tunnels('holds no secret', async context => {
  process.env.GITHUB_TOKEN = 'a-secret'
  try {
    await open(context)
  } finally {
    delete process.env.GITHUB_TOKEN
  }
  await flowing(context.port)
  const pid = theProcess(context.port)
  for (const file of ['environ', 'cmdline']) {
    assert.not.match(readFileSync(`/proc/${pid}/${file}`, 'utf8'), /a-secret|a-token/)
  }
  assert.is(statSync(join(folder, `threads-ops-${uid}`)).mode & 0o777, 0o700)
})
tunnels.run()

const folders = suite('the folder of the sockets')
const long = `/${'x'.repeat(90)}`
for (const [why, runtime, temporary, expected] of [
  [
    'the session’s own first',
    '/run/user/7',
    '/var/tmp',
    ['/run/user/7/threads-ops-7', '/var/tmp/threads-ops-7', '/tmp/threads-ops-7'],
  ],
  ['without a session', undefined, '/tmp', ['/tmp/threads-ops-7']],
  ['an empty name is none', '', '/tmp', ['/tmp/threads-ops-7']],
  ['a path must fit into a socket’s address', long, long, ['/tmp/threads-ops-7']],
] as [string, string | undefined, string, string[]][]) {
  folders(why, () => assert.equal(socketFolders(runtime, temporary, 7), expected))
}
const made = mkdtempSync(join(tmpdir(), 'folders-'))
folders.after(() => rmSync(made, { recursive: true }))
folders('one that others can enter, a link, and what cannot be made are passed over', async () => {
  const at = (name: string) => join(made, name)
  mkdirSync(at('open'))
  chmodSync(at('open'), 0o755)
  mkdirSync(at('own'), { mode: 0o700 })
  symlinkSync(at('own'), at('link'))
  assert.is(await ownFolder([at('open'), at('link'), at('no/where'), at('new'), at('own')], uid), at('new'))
  assert.is(await ownFolder([at('new')], uid), at('new'))
  const refused = await ownFolder([at('open')], uid).catch((error: OpsError) => error)
  assert.ok(refused instanceof OpsError && refused.code === 4)
  assert.match(refused.hint, at('open'))
  const notMine = await ownFolder([at('new')], uid + 1).catch((error: OpsError) => error.code)
  assert.is(notMine, 4)
})
folders.run()
