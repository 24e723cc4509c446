import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { push } from '../../../lab/delivery/images.ts'
import { startRegistry } from '../../../lab/delivery/registry.ts'
import { isKnownHost, LOOPBACK, onlyFor } from '../../../lab/http/hosts.ts'
import { ensureTools } from '../../../lab/tools/build.ts'
import { programPath, programs } from '../../../lab/tools/catalog.ts'

const hosts = suite('isKnownHost')
for (const [header, expected] of [
  ['127.0.0.1', true],
  ['127.0.0.1:5000', true],
  ['LocalHost:1', true],
  ['[::1]:5000', true],
  ['registry.lab:5000', true],
  [undefined, false],
  ['', false],
  ['evil.example', false],
  ['evil.example:5000', false],
  ['127.0.0.1.evil.example', false],
  ['127.0.0.1:5000.evil.example', false],
  ['evil.example#127.0.0.1', false],
  ['user@127.0.0.1', false],
  ['127.0.0.1, evil.example', false],
  ['127.0.0.2', false],
  ['[::2]', false],
  ['0', false],
] as const) {
  hosts(String(header), () => assert.is(isKnownHost(header, [...LOOPBACK, 'registry.lab']), expected))
}
hosts.run()

const upgrades = suite('onlyFor')
for (const [host, expected] of [
  ['127.0.0.1', 'HTTP/1.1 101 Switching'],
  ['evil.example', 'HTTP/1.1 421 Misdirected Request'],
] as const) {
  upgrades(`an upgrade for ${host}`, async () => {
    const server = createServer().on('upgrade', (_, socket) => socket.end('HTTP/1.1 101 Switching\r\n\r\n'))
    onlyFor(LOOPBACK, server).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`)
      assert.is((await text(client)).split('\r\n')[0], expected)
    } finally {
      server.close()
    }
  })
}
upgrades.run()

const TOKEN = 'a-token-of-this-test-only'
const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString('base64')}`

interface Answer {
  status: number | undefined
  headers: IncomingMessage['headers']
  body: string
}

const doors = suite<{ folder: string; port: number; inside: string; backend: number; end(): void }>('the registry')
doors.before(async context => {
  await ensureTools({ programs: programs.filter(({ group }) => group === 'registry') })
  const folder = mkdtempSync(join(tmpdir(), 'threads-ops-doors-'))
  const { server, reader, backend } = await startRegistry({
    ...{ program: programPath('registry'), directory: join(folder, 'registry'), token: TOKEN },
  })
  onlyFor(LOOPBACK, server)
  onlyFor(['registry.lab'], reader)
  const inside = join(folder, 'inside.sock')
  await Promise.all([
    new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)),
    new Promise<void>(resolve => reader.listen(inside, resolve)),
  ])
  Object.assign(context, { folder, inside, port: (server.address() as AddressInfo).port, backend: backend.pid })
  context.end = () => {
    backend.kill()
    for (const each of [server, reader]) {
      each.closeAllConnections()
      each.close()
    }
    rmSync(folder, { recursive: true })
  }
})
doors.after(({ end }) => end?.())

const ask = (to: object, method: string, path: string, headers: Record<string, string>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    httpRequest({ ...to, method, path, headers: { 'content-length': '0', ...headers } }, answer =>
      text(answer).then(body => resolve({ status: answer.statusCode, headers: answer.headers, body }), reject),
    )
      .on('error', reject)
      .end()
  })

const UPLOAD = '/v2/a/b/blobs/uploads/'
for (const [method, path] of [
  ['POST', UPLOAD],
  ['PUT', '/v2/a/b/manifests/1'],
  ['PATCH', `${UPLOAD}1`],
  ['DELETE', '/v2/a/b/manifests/1'],
  ['PUT', '/anything/else'],
  ['OPTIONS', '/v2/'],
  ['PROPFIND', '/v2/'],
] as const) {
  for (const [why, authorization] of [
    ['nothing', undefined],
    ['another token', `Bearer ${TOKEN}x`],
    ['a part of the token', `Bearer ${TOKEN.slice(1)}`],
    ['an empty token', 'Bearer '],
    ['another password', basic('password')],
    ['the token as a name', `Basic ${Buffer.from(`${TOKEN}:`).toString('base64')}`],
    ['what is no header', TOKEN],
  ] as const) {
    doors(`${method} ${path} with ${why}`, async ({ port }) => {
      const { status, headers, body } = await ask({ port }, method, path, authorization === undefined ? {} : { authorization })
      assert.is(status, 401)
      assert.match(headers['www-authenticate'] ?? '', /^Basic /)
      assert.match(body, 'UNAUTHORIZED')
    })
  }
  doors(`${method} ${path} from a machine, even with the token`, async ({ inside }) => {
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'registry.lab:5000' }
    assert.is((await ask({ socketPath: inside }, method, path, headers)).status, 405)
  })
}
doors('an upload begins with the token, as bearer token or as password', async ({ port }) => {
  for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, basic(TOKEN)])
    assert.is((await ask({ port }, 'POST', UPLOAD, { authorization })).status, 202)
})
doors('anybody reads, on this host and in machines', async ({ port, inside }) => {
  await push(`http://127.0.0.1:${port}`, { repository: 'a/b', tags: ['1'], architecture: 'amd64' }, TOKEN)
  assert.is((await ask({ port }, 'GET', '/v2/a/b/manifests/1', {})).status, 200)
  assert.is((await ask({ socketPath: inside }, 'HEAD', '/v2/a/b/manifests/1', { host: 'registry.lab:5000' })).status, 200)
  assert.is((await ask({ socketPath: inside }, 'GET', '/v2/', { host: 'registry.lab:5000' })).status, 200)
})
for (const host of ['evil.example', 'registry.lab.evil.example:5000']) {
  doors(`nothing for ${host}, whatever it has`, async ({ port, inside }) => {
    for (const to of [{ port }, { socketPath: inside }])
      for (const [method, path] of [
        ['GET', '/v2/a/b/tags/list'],
        ['POST', UPLOAD],
      ] as const)
        assert.is((await ask(to, method, path, { host, authorization: `Bearer ${TOKEN}` })).status, 421)
  })
}
doors('a push without the token says so', async ({ port }) => {
  const image = { repository: 'a/b', tags: ['2'], architecture: 'amd64', labels: { a: 'new one' } }
  const error = await push(`http://127.0.0.1:${port}`, image, 'another').catch((thrown: Error) => thrown)
  assert.match(String(error), /answered 401/)
})
doors('crane pushes with the token from its configuration, and reads without one', async ({ port, folder }) => {
  const registry = `127.0.0.1:${port}`
  const crane = (configuration: object, ...args: string[]) => {
    const home = mkdtempSync(join(folder, 'docker-'))
    writeFileSync(join(home, 'config.json'), JSON.stringify(configuration), { mode: 0o600 })
    return promisify(execFile)(programPath('crane'), args, { env: { PATH: process.env.PATH, DOCKER_CONFIG: home, HOME: home } })
  }
  const auths = { [registry]: { auth: Buffer.from(`lab:${TOKEN}`).toString('base64') } }
  await crane({ auths }, 'copy', `${registry}/a/b:1`, `${registry}/a/c:1`)
  const refused = await crane({}, 'copy', `${registry}/a/b:1`, `${registry}/a/d:1`).catch((thrown: Error) => thrown)
  assert.match(String(refused), /UNAUTHORIZED/)
  assert.match((await crane({}, 'manifest', `${registry}/a/c:1`)).stdout, /"schemaVersion"/)
})
doors('its backend listens on no port', ({ backend }) => {
  const sockets = readdirSync(`/proc/${backend}/fd`)
    .map(name => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${backend}/fd/${name}`))?.[1])
    .filter(inode => inode !== undefined)
  assert.ok(sockets.length > 0)
  for (const table of ['tcp', 'tcp6']) {
    const inodes = readFileSync(`/proc/${backend}/net/${table}`, 'utf8')
      .split('\n')
      .map(line => line.trim().split(/\s+/)[9])
    assert.not(sockets.some(inode => inodes.includes(inode)))
  }
})
doors.run()
