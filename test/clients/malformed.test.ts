import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { createActionsApi } from '../../lab/delivery/actions/api.ts'
import { Runs } from '../../lab/delivery/actions/runs.ts'
import { createGitServer } from '../../lab/delivery/git-server.ts'
import { createReadiness } from '../../lab/delivery/image-updater/readiness.ts'
import { outagesOf } from '../../lab/delivery/outages.ts'
import { startRegistry } from '../../lab/delivery/registry.ts'
import { Router } from '../../lab/google/http/router.ts'
import { createDialer } from '../../lab/machine/dialer.ts'
import { createForwarder } from '../../lab/machine/forwarding.ts'
import { createControl } from '../../lab/machine/guest/control.ts'
import { Services } from '../../lab/machine/guest/services.ts'
import { ensurePki, KUBELET_CLIENT } from '../../lab/machine/k0s/pki.ts'
import { createStatusServer, type Status } from '../../lab/machine/k0s/status.ts'
import { createExtender } from '../../lab/machine/node-agent/extender.ts'
import { createKubelet } from '../../lab/machine/node-agent/kubelet-server.ts'
import type { Pod } from '../../lab/machine/node-agent/kubernetes.ts'
import type { Running } from '../../lab/machine/node-agent/running.ts'
import { processesWith } from '../../lab/machine/process.ts'
import { proxyHeader } from '../../lab/machine/proxy-protocol.ts'
import { openTunnel } from '../../lib/google/tunnel.ts'
import { root } from '../../lib/runtime/files.ts'
import { openBucketView } from '../../lib/terraform/view.ts'
import {
  bytesFrom,
  exchange,
  type HttpOptions,
  type Malformed,
  malformedBytes,
  malformedHttp,
  type Reach,
  randomFrom,
  statusesIn,
  toPort,
  toSocket,
  wrongWith,
} from '../unit/support/malformed.ts'
import { freePort } from '../unit/support/server.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

/** Malformed requests to every daemon; other ones with another SEED. */
const seed = Number(process.env.SEED ?? 1)
const random = randomFrom(seed)

/** A daemon, or a part of one, that is listening. */
interface Target {
  reach: Reach
  requests: Malformed[]
  /** Whether it answers what is right. */
  works(): Promise<void>
  /** All that a request could change. */
  state(): unknown
  close(): unknown
}

const folder = mkdtempSync(join(tmpdir(), 'malformed-'))
process.env.XDG_RUNTIME_DIR = folder

/** The contents of the files below a folder. */
const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map(name => join(directory, name))
    .filter(path => statSync(path).isFile())
    .sort()
    .map(path => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)

const listening = async <T extends Server>(server: T): Promise<T> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
const portOf = (server: Server) => (server.address() as AddressInfo).port

const answers = async (reach: Reach, request: string, status: number): Promise<void> => {
  const answer = await exchange(reach, { what: request, pieces: [Buffer.from(`${request}\r\n\r\n`)] })
  assert.equal(statusesIn(answer), [status], answer.slice(0, 300))
}
const closing = (what: string, ...pieces: (string | Buffer)[]): Malformed => ({
  what,
  pieces: pieces.map(piece => Buffer.from(piece)),
  after: 'closes',
  wants: 'closed',
})
const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')

/** A server of HTTP without a state of its own. */
async function http(
  server: HttpServer,
  options: HttpOptions & { right: string; status?: number; state?: () => unknown },
): Promise<Target> {
  const port = portOf(await listening(server))
  return {
    reach: toPort(port),
    requests: malformedHttp(random, options),
    works: () => answers(toPort(port), options.right, options.status ?? 200),
    state: options.state ?? (() => undefined),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

const authorization = `Authorization: Bearer ${TOKEN}`

/** A lab with something in it, and the routes that it has. */
async function labWithRoutes(): Promise<{ lab: TestLab; takesJson: string[] }> {
  const takesJson: string[] = []
  const { on } = Router.prototype
  Router.prototype.on = function (method, template, handler) {
    if (['POST', 'PUT', 'PATCH'].includes(method)) takesJson.push(`${method} ${filled(template)}`)
    on.call(this, method, template, handler)
  }
  const lab = await TestLab.start().finally(() => {
    Router.prototype.on = on
  })
  await lab.makeInstance()
  await lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'bucket' })
  await lab.request('POST', '/upload/storage/v1/b/bucket/o?uploadType=media&name=object', { a: 1 })
  // Google's rate limit would answer in place of what is tested.
  await lab.request('PATCH', '/lab/limits', { requestsPerMinute: 1e9 })
  // An upload takes bytes, and a token is asked for by a form.
  return { lab, takesJson: takesJson.filter(target => !/ (\/resumable)?\/upload| \/token/.test(target)) }
}

const there: Record<string, string> = {
  ...{ project: PROJECT, place: 'us-east1-b', zone: 'us-east1-b', region: 'us-east1', bucket: 'bucket', object: 'object' },
  ...{ name: 'threads-lab-vm', toBucket: 'bucket', toObject: 'copy' },
}
const filled = (template: string) =>
  template.replace(/\{\+?(\w+)\}/g, (_, name: string) =>
    name === 'name' && template.includes('/networks/') ? 'net' : (there[name] ?? 'nothing'),
  )

const apiPaths = [
  '/compute/v1/projects/',
  `/compute/v1/projects/${PROJECT}/zones/us-east1-b/instances/`,
  `/compute/v1/projects/${PROJECT}/aggregated/instances`,
  '/storage/v1/b/',
  '/storage/v1/b/bucket/o/',
  '/upload/storage/v1/b/bucket/o',
  '/download/storage/v1/b/bucket/o/',
  '/bucket/',
  '/v1/projects/',
  '/lab/faults/',
  '/batch/compute/v1/',
  '/token',
]

async function google(reach: (lab: TestLab) => Reach, most = 300): Promise<Target> {
  const { lab, takesJson } = await labWithRoutes()
  return {
    reach: reach(lab),
    requests: malformedHttp(random, {
      below: apiPaths,
      most,
      headers: [authorization],
      takesJson,
      upgrades: `/v4/connect?project=${PROJECT}&zone=us-east1-b&instance=threads-lab-vm&port=22`,
    }),
    works: async () => {
      assert.is((await lab.request('GET', '/storage/v1/b/bucket/o/object')).status, 200)
      await answers(reach(lab), get('/storage/v1/b/bucket', authorization), 200)
    },
    state: async () => [
      filesBelow(join(lab.directory, 'google')),
      await (await lab.request('GET', '/lab/faults')).json(),
      await (await lab.request('GET', '/lab/limits')).json(),
    ],
    close: () => lab.stop(),
  }
}

const byTls =
  (port: number): Reach =>
  () =>
    connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })

async function metadata(): Promise<Target> {
  const { lab } = await labWithRoutes()
  const path = `/compute/v1/projects/${PROJECT}/zones/us-east1-b/instances/threads-lab-vm`
  const instance = (await (await lab.request('GET', path)).json()) as {
    networkInterfaces: { networkIP: string; network: string }[]
  }
  const [{ networkIP: address = '', network = '' } = {}] = instance.networkInterfaces
  const namespace = lab.hypervisor.namespaceOf(network.slice(network.indexOf('projects/')))
  const ahead = proxyHeader({ namespace, address })
  const attributes = '/computeMetadata/v1/instance/guest-attributes/'
  const options = { below: ['/computeMetadata/v1/', attributes], headers: ['Metadata-Flavor: Google'] }
  const reach = toSocket(lab.metadataSocket)
  return {
    reach,
    requests: [...malformedHttp(random, { ...options, ahead }), ...malformedBytes(random), ...malformedAddresses(ahead)],
    works: async () => {
      const request = Buffer.from(`${get('/computeMetadata/v1/instance/name', 'Metadata-Flavor: Google')}\r\n\r\n`)
      const answer = await exchange(reach, { what: 'name', pieces: [ahead, request] })
      assert.match(answer, /200 OK[\s\S]*threads-lab-vm$/)
    },
    state: () => filesBelow(join(lab.directory, 'google')),
    close: () => lab.stop(),
  }
}

const malformedAddresses = (header: Buffer): Malformed[] =>
  Array.from({ length: 60 }, (_, turn) => {
    const changed = Buffer.from(header)
    const at = random(changed.length)
    changed[at] = random(256)
    return closing(`a PROXY header with another byte ${at}`, turn % 2 ? changed : changed.subarray(0, random(changed.length)))
  })

async function actions(): Promise<Target> {
  const runs = await Runs.open(join(folder, 'runs'))
  const server = outagesOf(folder).guard(createActionsApi({ runs, token: TOKEN }), 'actions')
  return http(server as HttpServer, {
    below: ['/repos/', '/repos/o/r/actions/runs', '/repos/o/r/actions/runs/'],
    headers: [authorization],
    right: get('/repos/o/r/actions/runs', authorization),
    state: () => filesBelow(folder),
  })
}

async function git(): Promise<Target> {
  const repositories = join(folder, 'git')
  mkdirSync(repositories, { recursive: true })
  execFileSync('git', ['init', '--quiet', '--bare', join(repositories, 'threads.git')])
  return http(createGitServer({ repositories, token: TOKEN }) as HttpServer, {
    below: ['/threads.git/', '/owner/threads.git/info/refs'],
    headers: [authorization],
    right: get('/threads.git/info/refs?service=git-upload-pack'),
    state: () => filesBelow(repositories),
  })
}

/** Stands for the built registry. */
const REGISTRY = `#!/usr/bin/env -S node
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(request.url === '/v2/' ? 200 : 404, { location: request.headers.cookie ?? '/v2/' }).end())
})
server.listen(process.argv[2], () => console.error('registry: serving'))
`

/** @param door for this host, or for machines */
async function registry(door: 'server' | 'reader'): Promise<Target> {
  const program = join(folder, 'registry.cjs')
  writeFileSync(program, REGISTRY)
  chmodSync(program, 0o755)
  const directory = join(folder, `registry-${door}`)
  const { [door]: server, backend } = await startRegistry({ program, directory, token: TOKEN })
  const target = await http(server as HttpServer, {
    below: ['/v2/', '/v2/threads/manifests/', '/v2/threads/blobs/uploads/'],
    headers: [authorization],
    right: get('/v2/', authorization),
    state: () => filesBelow(directory),
  })
  return {
    ...target,
    close: () => {
      target.close()
      backend.kill()
    },
  }
}

const pod = {
  metadata: { name: 'web', namespace: 'threads', uid: 'u' },
  spec: { containers: [{ name: 'main', image: 'i' }] },
  status: { containerStatuses: [] },
} as unknown as Pod

async function kubelet(): Promise<Target> {
  const pki = join(folder, 'pki')
  if (!readdirSync(folder).includes('pki')) ensurePki(pki, { server: [], node: 'node', nodeAddress: '127.0.0.1' })
  const running = { inside: () => ({ command: 'cat', args: [], environment: {} }) } as unknown as Running
  const host = {
    findPod: (namespace: string, name: string) => (namespace === 'threads' && name === 'web' ? pod : undefined),
    findRunning: () => running,
    addressOf: () => '127.0.0.1',
  }
  const server = await listening(createKubelet(host, pki))
  const file = (name: string) => readFileSync(join(pki, name))
  const identity = { key: file(`${KUBELET_CLIENT.name}.key`), cert: file(`${KUBELET_CLIENT.name}.crt`), ca: file('ca.crt') }
  const reach = () => connectTls({ port: portOf(server), host: '127.0.0.1', ALPNProtocols: ['http/1.1'], ...identity })
  const upgrades = '/exec/threads/web/main?input=1&output=1&command=cat'
  return {
    reach,
    requests: malformedHttp(random, {
      below: ['/containerLogs/', '/containerLogs/threads/web/main', '/exec/', '/portForward/threads/web'],
      upgrades,
    }),
    works: async () => {
      await answers(reach, get('/healthz'), 200)
      // What is not TLS, and who has no certificate.
      await exchange(toPort(portOf(server)), { what: 'plain', pieces: [Buffer.from('GET / HTTP/1.1\r\n\r\n')] })
      await talk(
        `wss://127.0.0.1:${portOf(server)}${upgrades}`,
        { ...identity, rejectUnauthorized: false },
        'v5.channel.k8s.io',
      )
      await talk(
        `wss://127.0.0.1:${portOf(server)}/portForward/threads/web?port=1`,
        { ...identity, rejectUnauthorized: false },
        'v4.channel.k8s.io',
      )
    },
    state: () => undefined,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

const PATIENCE_MS = 30_000

/** Says what makes no sense over a WebSocket, until the other end hangs up or all is said. */
async function talk(url: string, options: object, protocol: string): Promise<void> {
  const words = [
    [],
    [4],
    [...Buffer.from('\x04{')],
    [...Buffer.from('\x04null')],
    [255],
    [255, 9],
    [77, 1],
    ...Array.from({ length: 8 }, () => [...bytesFrom(random, random(40))]),
  ]
  for (const word of words) {
    const socket = new WebSocket(url, protocol, options)
    socket.on('error', () => undefined)
    await once(socket, 'open')
    socket.send(Buffer.from(word))
    socket.send('text')
    // Not a frame: bits that are reserved.
    ;(socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xf7, 0x80, 0, 0, 0, 0]))
    await once(socket, 'close', { signal: AbortSignal.timeout(PATIENCE_MS) })
  }
}

const status = { Version: 'v1.34.1+k0s.0' } as Status

const extender = async () =>
  http(createExtender() as HttpServer, {
    below: ['/filter'],
    takesJson: ['POST /filter'],
    right: [
      'POST /filter HTTP/1.1',
      'Host: localhost',
      'Connection: close',
      'Content-Length: 49',
      '',
      '{"Pod": {"metadata": {}}, "NodeNames": ["node"]}\n',
    ].join('\r\n'),
  })
const statuses = async () =>
  http(createStatusServer(async () => status) as HttpServer, { below: ['/status'], right: get('/status') })
const readiness = async () => http(createReadiness() as HttpServer, { below: ['/healthz'], right: get('/healthz') })

/** A program that has a port of its own. */
async function program(child: ChildProcess, port: number, more: Pick<Target, 'requests' | 'works'>): Promise<Target> {
  for (let turn = 0; turn < 200; turn++) {
    const isUp = await exchange(toPort(port), { what: 'is it up?', pieces: [Buffer.from(`${get('/version')}\r\n\r\n`)] })
    if (isUp) break
    await sleep(25)
  }
  return {
    ...more,
    reach: toPort(port),
    state: () => child.exitCode,
    close: () => child.kill(),
  }
}

async function web(): Promise<Target> {
  const port = await freePort()
  const child = spawn(process.execPath, [join(root, 'lab/machine/node-agent/application/web.ts')], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      POD_IP: '127.0.0.1',
      SERVICE: 'web',
      DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d',
    },
    stdio: 'ignore',
  })
  return program(child, port, {
    requests: malformedHttp(random, { below: ['/version', '/nowhere/'] }),
    works: () => answers(toPort(port), get('/version'), 200),
  })
}

async function view(): Promise<Target> {
  const opened = await openBucketView(async (bucket, object) => (`${bucket}/${object}` === 'bucket/a' ? '{}' : undefined))
  const reach = toPort(Number(new URL(opened.endpoint).port))
  return {
    reach,
    requests: malformedHttp(random, {
      most: 40,
      below: ['/storage/v1/b/bucket/o', '/storage/v1/b/bucket/o/', '/upload/storage/v1/b/bucket/o', '/bucket/'],
    }),
    works: async () => {
      await answers(reach, get('/bucket/a'), 200)
      assert.is(opened.fault(), undefined)
    },
    state: () => opened.kept('bucket', 'object'),
    close: () => opened.close(),
  }
}

/** Servers of other protocols are sent HTTP as well. */
const anything = () =>
  [...malformedBytes(random), ...malformedHttp(random, { below: [] })].map(({ what, pieces }) => closing(what, ...pieces))

async function raw(
  server: Server,
  works: (reach: Reach) => Promise<void>,
  state: () => unknown = () => undefined,
): Promise<Target> {
  const reach = toPort(portOf(await listening(server)))
  return { reach, requests: anything(), works: () => works(reach), state, close: () => server.close() }
}

async function control(): Promise<Target> {
  let poweredOff = 0
  const server = createControl(new Services(), () => poweredOff++, true)
  const target = await raw(
    server,
    async reach => {
      const words = { verb: 'is-system-running', units: [], now: false, properties: [], valueOnly: false }
      const said = await exchange(reach, closing('right', JSON.stringify(words)))
      assert.equal(JSON.parse(said), { exitCode: 0, stdout: 'running\n', stderr: '' })
    },
    () => poweredOff,
  )
  const words: unknown[] = [
    null,
    [],
    17,
    {},
    { verb: 'start' },
    { verb: 'poweroff\0', units: 'x' },
    { verb: 'status', units: [null] },
    { verb: 'status', units: [{}] },
    { verb: 'cat', units: ['../../../etc/passwd', '\0', 'a'.repeat(5000)] },
    { verb: 'show', units: ['x'], properties: 7 },
    { verb: 'is-active', units: { length: 9 } },
    { verb: '__proto__', units: ['__proto__'] },
    { verb: 'reset-failed', units: [7] },
  ]
  const malformed = words.map(word => closing(JSON.stringify(word), JSON.stringify(word)))
  return { ...target, requests: [...target.requests, ...malformed] }
}

const echoes = () => createServer({ allowHalfOpen: true }, socket => socket.on('error', () => socket.destroy()).pipe(socket))

async function dialer(): Promise<Target> {
  const echo = await listening(echoes())
  const target = await raw(createDialer(), async reach => {
    assert.is(await exchange(reach, closing('right', `127.0.0.1:${portOf(echo)}\n`, 'hello')), 'ok\nhello')
  })
  const lines = [
    '127.0.0.1:99999\n',
    '127.0.0.1:0\n',
    '127.0.0.1:1\n',
    '999.1.1.1:80\n',
    '127.0.0.1:-1\n',
    '0:1\n',
    '...:1\n',
    '127.0.0.1:\n',
    '127.0.0.1:22',
  ]
  return {
    ...target,
    requests: [...target.requests, ...lines.map(line => closing(line, line))],
    close: () => {
      target.close()
      echo.close()
    },
  }
}

async function forwarder(): Promise<Target> {
  const echo = await listening(echoes())
  let turn = 0
  // Every third connection leads nowhere.
  const server = createForwarder(() => {
    turn++
    return turn % 3 === 0
      ? undefined
      : connect({ port: turn % 3 === 1 ? portOf(echo) : 1, host: '127.0.0.1', allowHalfOpen: true })
  })
  const target = await raw(server, async reach => {
    const said = []
    for (let tries = 0; tries < 3; tries++) said.push(await exchange(reach, closing('right', 'hello')))
    assert.ok(said.includes('hello'))
  })
  return {
    ...target,
    // What is echoed is no answer.
    requests: malformedBytes(random),
    close: () => {
      target.close()
      echo.close()
    },
  }
}

/** A tunnel to a lab's machine, which echoes; it has no port of its own while it is not held. */
async function tunnel(reach: (port: number) => Reach): Promise<Target> {
  const { lab } = await labWithRoutes()
  const echo = await listening(echoes())
  lab.hypervisor.ports.set(22, portOf(echo))
  const port = await freePort()
  const relay = lab.url.replace('http', 'ws')
  const leadsTo = { relay, project: PROJECT, zone: 'us-east1-b', instance: 'threads-lab-vm', port: 22 }
  const held = await openTunnel(port, { leadsTo, token: async () => TOKEN })
  return {
    reach: reach(port),
    requests: malformedBytes(random),
    works: async () => {
      assert.ok(await held.answers())
      assert.ok(held.own)
      const socket = toPort(port)()
      socket.write('hello')
      const [said] = await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) })
      socket.destroy()
      assert.is(String(said), 'hello')
    },
    // One that ended would be started anew.
    state: () => processesWith('cmdline', words => words.some(word => word.endsWith(`/tunnel-${port}`))),
    close: async () => {
      await held.close()
      echo.close()
      await lab.stop()
    },
  }
}
const tunnelPort = () => tunnel(toPort)
const tunnelLeases = async () => {
  const target = await tunnel(port => toSocket(join(folder, `threads-ops-${process.getuid?.() ?? 0}`, `tunnel-${port}`)))
  const words = [
    'null',
    '{}',
    '[]',
    '{"answers": 1}',
    '{"answers": "x", "token": 1}',
    '{"answers": {}, "failed": []}',
    '{"a": 1}\n{"b"',
  ]
  return { ...target, requests: [...target.requests, ...words.map(word => closing(word, `${word}\n`))] }
}

const daemons: Record<string, () => Promise<Target>> = {
  // First: it looks for its clients among all connections of the machine.
  "the state bucket's view": view,
  "Google's APIs": () => google(lab => toPort(lab.port)),
  "Google's APIs, by TLS": () => google(({ google }) => byTls(google.tlsPort), 20),
  "the tunnel's port": tunnelPort,
  "the tunnel's leases": tunnelLeases,
  'the metadata server': metadata,
  'the Actions API': actions,
  git: git,
  'the registry': () => registry('server'),
  'the registry for machines': () => registry('reader'),
  'the kubelet': kubelet,
  "the scheduler's extender": extender,
  "k0s's status": statuses,
  "the Image Updater's readiness": readiness,
  'the application': web,
  "systemctl's control": control,
  'the dialer of machines': dialer,
  'a forwarder': forwarder,
}

/** Where each file makes servers, and what tests them: a daemon above, another test, or why nobody can send them anything. */
const listeners: Record<string, string[]> = {
  'lab/delivery/actions/api.ts': ['the Actions API'],
  'lab/delivery/git-server.ts': ['git'],
  'lab/delivery/image-updater/readiness.ts': ["the Image Updater's readiness"],
  'lab/delivery/registry.ts': ['the registry', 'the registry for machines'],
  'lab/google/iap/relay.ts': ['frames of IAP'],
  'lab/google/metadata/server.ts': ['the metadata server', 'the metadata server'],
  'lab/google/server.ts': ["Google's APIs", "Google's APIs, by TLS"],
  // Closed as soon as it knows its port.
  'lab/lifecycle/terraform-copy.ts': ['nobody'],
  'lab/machine/dialer.ts': ['the dialer of machines'],
  'lab/machine/forwarding.ts': ['a forwarder'],
  'lab/machine/guest/control.ts': ["systemctl's control"],
  'lab/machine/k0s/status.ts': ["k0s's status"],
  'lab/machine/node-agent/application/web.ts': ['the application'],
  'lab/machine/node-agent/extender.ts': ["the scheduler's extender"],
  'lab/machine/node-agent/kubelet-server.ts': ['the kubelet', 'the kubelet'],
  'lib/google/tunnel-process.ts': ["the tunnel's port", "the tunnel's leases"],
  // Its socket is handed to the tunnel's process before anything is accepted.
  'lib/google/tunnel.ts': ['nobody'],
  // What they are sent is passed on, and looked at by nobody.
  'lib/operation/forwards.ts': ['passed on'],
  'lib/operation/login.ts': ['passed on'],
  'lib/terraform/view.ts': ["the state bucket's view"],
}
const CREATES = /\b(?:create(?:Http|Tls|Tcp|Secure|Http2)?Server|new (?:WebSocketServer|Server|ServerResponse))\(/g

const table = suite('every server is tested')
const sources = ['lab', 'lib', 'scripts'].flatMap(top =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(top, name)),
)
for (const file of sources) {
  const count = readFileSync(join(root, file), 'utf8').match(CREATES)?.length ?? 0
  if (count === 0 && !(file in listeners)) continue
  table(file, () => {
    assert.is(listeners[file]?.length ?? 0, count, 'the table above has each server that it makes')
    for (const name of listeners[file] ?? [])
      assert.ok([...Object.keys(daemons), 'frames of IAP', 'nobody', 'passed on'].includes(name), name)
  })
}
table('no file of the table is gone', () => {
  for (const file of Object.keys(listeners)) assert.ok(sources.includes(file), file)
})
table.run()

/** So many requests at a time. */
const AT_ONCE = 8

/** More than any of them needs, in bytes. */
const MUCH = 2 ** 26

/** What no handler caught. */
const strays: unknown[] = []
const keep = (stray: unknown) => void strays.push(stray)

const malformed = suite(`malformed requests, SEED=${seed}`)
malformed.before(() => {
  process.on('uncaughtException', keep).on('unhandledRejection', keep)
})
malformed.after(() => {
  process.off('uncaughtException', keep).off('unhandledRejection', keep)
})
for (const [name, start] of Object.entries(daemons)) {
  malformed(name, async () => {
    strays.length = 0
    const target = await start()
    try {
      await target.works()
      const before = await target.state()
      const wrong: string[] = []
      const waiting = [...target.requests]
      const send = async () => {
        for (let request = waiting.shift(); request; request = waiting.shift()) {
          const answer = await exchange(target.reach, request).catch(error => `HTTP/1.1 599 ${error.message}`)
          const fault = wrongWith(request, answer)
          if (fault) wrong.push(fault)
          for (const stray of strays.splice(0)) wrong.push(`${request.what}: ${stray instanceof Error ? stray.stack : stray}`)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, send))
      assert.equal(wrong, [])
      await target.works()
      assert.equal(await target.state(), before)
      assert.is(({} as { polluted?: boolean }).polluted, undefined)
      assert.equal(strays, [])
    } finally {
      await target.close()
    }
  })
}
malformed.run()

const endless = suite('whoever never comes to an end is hung up on')
for (const name of ["systemctl's control", 'the dialer of machines', "the tunnel's leases"]) {
  endless(name, async () => {
    const target = await daemons[name]?.()
    assert.ok(target)
    const socket = target.reach()
    try {
      socket.on('error', () => undefined)
      const closed = new Promise(resolve => socket.once('close', () => resolve(true)))
      let sent = 0
      const write = () => {
        for (; sent < MUCH && socket.writable; sent += 2 ** 16) if (!socket.write('a'.repeat(2 ** 16))) return
      }
      write()
      socket.on('drain', write).resume()
      const patience = sleep(PATIENCE_MS, false, { ref: false })
      assert.ok(await Promise.race([closed, patience]), 'it waits for more')
      assert.ok(sent < MUCH, `${sent} bytes were taken`)
      await target.works()
    } finally {
      socket.destroy()
      await target.close()
    }
  })
}
endless.after(() => rmSync(folder, { recursive: true, force: true }))
endless.run()
