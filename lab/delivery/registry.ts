import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDiskFull, messageOf } from '../../lib/runtime/errors.ts'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { answering, BadRequest, targetOf } from '../../lib/runtime/serving.ts'
import { socketPath } from '../machine/sockets.ts'
import { makePrivate } from '../state/private.ts'
import { readData } from '../state/stored.ts'
import { hasToken } from './token.ts'

interface StoredManifest {
  /** `/v2/<repository>/manifests/<tag or digest>` */
  path: string
  contentType: string
  body: string
}

interface Registry {
  /** For this host: anybody may read, and whoever has the token may write. */
  server: Server
  /** For machines, which can only read. */
  reader: Server
  backend: ChildProcess
}

/** The backend's socket, in the registry's folder. */
const SOCKET = 'backend.sock'

/**
 * The OCI registry: go-containerregistry's, which keeps blobs on disk but manifests only in memory, on a Unix socket. These servers are
 * proxies in front of it that store each accepted manifest and upload all of them again when they start.
 * @param program the built `registry`
 * @param directory where blobs and manifests are kept
 * @throws Error when the backend does not start
 */
export async function startRegistry({
  program,
  directory,
  token,
}: {
  program: string
  directory: string
  token: string
}): Promise<Registry> {
  const manifests = join(directory, 'manifests')
  for (const folder of [directory, join(directory, 'blobs'), manifests]) await makePrivate(folder)
  // The death signal ends it however its parent dies. Its folder's path may be too long for a socket's address.
  const args = ['--pdeathsig', 'KILL', program, SOCKET, 'blobs']
  const backend = spawn('setpriv', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  await serving(backend)
  const socket = socketPath(directory, SOCKET)
  await restore(manifests, socket)
  const writer = answering((request, response) => {
    if (wantsToken(request) && !hasToken(request.headers.authorization, token)) refuse(response, unauthorized)
    else forward(request, response, { socket, manifests })
  })
  const reader = answering((request, response) => {
    if (isRead(request)) forward(request, response, { socket, manifests })
    else refuse(response, readOnly)
  })
  return { server: createServer(writer), reader: createServer(reader), backend }
}

/** It says on stderr that it serves, or why it does not. */
async function serving(backend: ChildProcess): Promise<void> {
  const lines = createInterface({ input: backend.stderr ?? process.stdin })
  const said: string[] = []
  const failed = once(backend, 'exit').then(([code]) => {
    throw new Error(`the registry ended with exit code ${code} instead of serving: ${said.join('; ')}`)
  })
  failed.catch(() => undefined)
  const listening = new Promise<void>(resolve => {
    lines.on('line', line => {
      said.push(line)
      if (line.endsWith(' serving')) resolve()
    })
  })
  await Promise.race([listening, failed])
}

async function restore(manifests: string, socket: string): Promise<void> {
  const stored: StoredManifest[] = []
  for (const name of await readdir(manifests)) {
    if (!name.endsWith('.json')) continue
    stored.push(
      await readData<StoredManifest>(join(manifests, name), ({ path }) => path !== undefined && fileOf(path) === name),
    )
  }
  // The registry rejects an index whose manifests are missing, so those come first.
  stored.sort((a, b) => Number(isIndex(a)) - Number(isIndex(b)))
  for (const { path, contentType, body } of stored) {
    const upload = httpRequest({ socketPath: socket, method: 'PUT', path, headers: { 'content-type': contentType } })
    const answered = once(upload, 'response')
    upload.end(Buffer.from(body, 'base64'))
    const [answer] = (await answered) as [IncomingMessage]
    answer.resume()
    await once(answer, 'close')
  }
}

const isIndex = ({ contentType }: StoredManifest): boolean => /index|list/.test(contentType)

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'

/** A client asks for `/v2/` first, to learn whether it has to send its credentials. */
const wantsToken = (request: IncomingMessage): boolean => !isRead(request) || /^\/v2\/?(\?|$)/.test(request.url ?? '')

interface Refusal {
  status: number
  code: string
  message: string
  headers: Record<string, string>
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
const unauthorized: Refusal = {
  ...{ status: 401, code: 'UNAUTHORIZED', message: 'writing wants the token of the lab' },
  headers: { 'www-authenticate': 'Basic realm="registry.lab"' },
}
const readOnly: Refusal = {
  ...{ status: 405, code: 'UNSUPPORTED', message: 'machines can only read' },
  headers: { allow: 'GET, HEAD' },
}

function refuse(response: ServerResponse, { status, code, message, headers }: Refusal): void {
  // What the client is about to send is not read.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers })
  response.end(JSON.stringify({ errors: [{ code, message }] }))
}
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** What is between a client and this server only. RFC 9110, 7.6.1 */
const OWN_HEADERS = new Set([
  'host',
  'authorization',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
])

const passedOn = (headers: IncomingMessage['headers']): IncomingMessage['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)))

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { socket, manifests }: { socket: string; manifests: string },
): void {
  const { pathname: path, search } = targetOf(request)
  if (!METHODS.includes(request.method ?? '')) throw new BadRequest('A registry has no such method.', 405)
  const isManifest = request.method === 'PUT' && path.includes('/manifests/')
  const body: Buffer[] = []
  if (isManifest) request.on('data', chunk => body.push(chunk))

  const headers = passedOn(request.headers)
  const upstream = httpRequest(
    {
      socketPath: socket,
      method: request.method,
      path: `${path}${search}`,
      headers: { ...headers, host: 'registry.lab' },
    },
    async answer => {
      if (isManifest && answer.statusCode === 201) {
        const contentType = String(headers['content-type'] ?? '')
        try {
          await store(manifests, { path, contentType, body: Buffer.concat(body).toString('base64') })
        } catch (error) {
          // A manifest that would be lost on restart is not accepted.
          answer.resume()
          response.writeHead(isDiskFull(error) ? 507 : 500).end(`${messageOf(error)}\n`)
          return
        }
      }
      response.writeHead(answer.statusCode ?? 502, relativeLocation(passedOn(answer.headers)))
      answer.pipe(response)
    },
  )
  upstream.on('error', () => {
    if (!response.headersSent) response.writeHead(502)
    response.end()
  })
  response.on('close', () => upstream.destroy())
  request.pipe(upstream)
}

/** A relative location works for whatever name the client knows this registry by. */
function relativeLocation(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  if (!headers.location) return headers
  const { pathname, search } = new URL(headers.location, 'http://registry.lab')
  return { ...headers, location: `${pathname}${search}` }
}

const store = (manifests: string, manifest: StoredManifest): Promise<void> =>
  writeAtomically(join(manifests, fileOf(manifest.path)), JSON.stringify(manifest))

const fileOf = (path: string): string => `${createHash('sha256').update(path).digest('hex')}.json`
