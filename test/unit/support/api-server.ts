import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, createServer as createRelay, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { Connection } from '../../../lib/cluster/rest.ts'

export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
  /** Counts connections from 0: those with the same number came over the same one. */
  connection: number
}

/** An answer in JSON; a function has the response for itself. */
export type Answer = { status?: number; body?: unknown } | ((response: ServerResponse) => void)

/** An HTTPS server on loopback that answers as it is told, and knows what it was asked. */
export interface ApiServer {
  port: number
  authority: string
  asked: Asked[]
  /** What comes next; the last answer stays. */
  answers(...next: ((asked: Asked) => Answer)[]): void
  connection(options?: object): Connection
  /** Listens at this port of loopback as well. */
  alsoAt(port: number): void
  /** Cuts every connection without a word. */
  cut(): void
  close(): Promise<void>
}

export async function startApiServer(): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-test-'))
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=DNS:kubernetes', '-keyout', keyFile, '-out', certFile],
  ])
  const [key, cert] = await Promise.all([readFile(keyFile), readFile(certFile)])
  await rm(folder, { recursive: true })

  const asked: Asked[] = []
  const sockets: Socket[] = []
  let queue: ((asked: Asked) => Answer)[] = [() => ({ body: {} })]
  const server = createServer({ key, cert }, async (request, response) => {
    const url = new URL(request.url ?? '/', 'https://kubernetes')
    const { method = 'GET', headers, socket } = request
    const connection = sockets.indexOf(socket)
    const one = { method, path: url.pathname, query: url.searchParams, headers, body: await text(request), connection }
    asked.push(one)
    const answer = (queue.length > 1 ? queue.shift() : queue[0])?.(one) ?? {}
    if (typeof answer === 'function') return answer(response)
    const { status = 200, body = {} } = answer
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.on('secureConnection', socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    authority: cert.toString(),
    asked,
    answers: (...next) => {
      queue = next
    },
    connection: (options = {}) => ({
      server: `https://127.0.0.1:${port}`,
      options: async () => ({ ca: cert, servername: 'kubernetes', ...options }),
    }),
    alsoAt: other => {
      const relay = createRelay(from => {
        const to = connect(port, '127.0.0.1')
        from.pipe(to).pipe(from)
        for (const end of [from, to]) end.on('error', () => undefined)
      })
      relay.listen(other, '127.0.0.1').unref()
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
