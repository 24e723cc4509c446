import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDiskFull, messageOf } from '../../lib/runtime/errors.ts'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { answering, BadRequest, targetOf } from '../../lib/runtime/serving.ts'
import { readData } from '../state/stored.ts'

interface StoredManifest {
  /** `/v2/<repository>/manifests/<tag or digest>` */
  path: string
  contentType: string
  body: string
}

/**
 * The OCI registry: `crane registry serve`, which keeps blobs on disk but manifests only in memory. This server is a proxy in
 * front of it that stores each accepted manifest and uploads all of them again when it starts.
 * @param directory where blobs and manifests are kept
 * @throws Error when crane does not start
 */
export async function startRegistry({
  crane,
  directory,
}: {
  crane: string
  directory: string
}): Promise<{ server: Server; backend: ChildProcess }> {
  const manifests = join(directory, 'manifests')
  await mkdir(join(directory, 'blobs'), { recursive: true })
  await mkdir(manifests, { recursive: true })
  // The death signal ends crane however its parent dies.
  const args = [
    '--pdeathsig',
    'KILL',
    crane,
    'registry',
    'serve',
    '--address',
    '127.0.0.1:0',
    '--disk',
    join(directory, 'blobs'),
  ]
  const backend = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const port = await portOf(backend)
  await restore(manifests, port)
  const server = createServer(answering((request, response) => forward(request, response, { port, manifests })))
  return { server, backend }
}

/** crane prints on stderr where it listens; the rest of its output, a line per request, is of no use. */
async function portOf(backend: ChildProcess): Promise<number> {
  const lines = createInterface({ input: backend.stderr ?? process.stdin })
  const failed = once(backend, 'exit').then(([code]) => {
    throw new Error(`crane ended with exit code ${code} instead of serving`)
  })
  failed.catch(() => undefined)
  const listening = new Promise<number>(resolve => {
    lines.on('line', line => {
      const port = /serving on port (\d+)/.exec(line)?.[1]
      if (port) resolve(Number(port))
    })
  })
  return Promise.race([listening, failed])
}

async function restore(manifests: string, port: number): Promise<void> {
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
    const url = `http://127.0.0.1:${port}${path}`
    await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': contentType },
      body: new Uint8Array(Buffer.from(body, 'base64')),
    })
  }
}

const isIndex = ({ contentType }: StoredManifest): boolean => /index|list/.test(contentType)

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** What is between a client and this server only. RFC 9110, 7.6.1 */
const OWN_HEADERS = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'])

const passedOn = (headers: IncomingMessage['headers']): IncomingMessage['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)))

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { port, manifests }: { port: number; manifests: string },
): void {
  const { pathname: path, search } = targetOf(request)
  if (!METHODS.includes(request.method ?? '')) throw new BadRequest('A registry has no such method.', 405)
  const isManifest = request.method === 'PUT' && path.includes('/manifests/')
  const body: Buffer[] = []
  if (isManifest) request.on('data', chunk => body.push(chunk))

  const headers = passedOn(request.headers)
  const upstream = httpRequest(
    {
      host: '127.0.0.1',
      port,
      method: request.method,
      path: `${path}${search}`,
      headers: { ...headers, host: `127.0.0.1:${port}` },
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
