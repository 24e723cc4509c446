import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type WebSocket from 'ws'
import { attempt, type Deadlines, isRefused, isTransient, statusOf } from '../runtime/attempt.ts'
import { formatDuration } from '../runtime/duration.ts'
import { exitCodes, external, interrupted, messageOf, OpsError, precondition, systemCode } from '../runtime/errors.ts'

/** Through IAP a request takes about a second; if it takes longer than this, the tunnel is dead. */
const WITHIN: Deadlines = { each: 15_000, whole: 30_000 }

/** An error with which the API server has answered a request. */
export class ApiError extends OpsError {
  /** HTTP status. */
  readonly status: number
  /** The header of that name: when to come again. */
  readonly retryAfter: string | undefined

  constructor(status: number, message: string, hint: string, retryAfter?: string) {
    super(exitCodes.external, message, hint)
    this.status = status
    this.retryAfter = retryAfter
  }
}

export interface RestRequest {
  method?: 'GET' | 'PATCH' | 'DELETE' | 'POST'
  body?: unknown
  contentType?: string
  /** Of a change: done twice it is the same as done once. A read always is. */
  repeatable?: boolean
  signal?: AbortSignal
}

/** The API server's REST interface with a kubeconfig's credentials. What is transient and may be repeated is asked again. */
export interface Rest {
  /** The body as text. @throws ApiError, OpsError 5 when there is no answer, 4 for a foreign certificate, 130 */
  text(path: string, request?: RestRequest): Promise<string>
  json<T>(path: string, request?: RestRequest): Promise<T>
  /** A watch's events, one JSON text each, until either side ends it. */
  lines(path: string, signal: AbortSignal): AsyncGenerator<string>
  /** A WebSocket, once it is open; it is paused, so that nothing is said before somebody listens. It is tried once. @throws as `text` does */
  socket(path: string, protocol: string, signal?: AbortSignal): Promise<WebSocket>
  close(): void
}

/** What a kubeconfig says about how to connect. */
export interface Connection {
  server: string
  /** CA, client certificate and server name; headers with a token. Called for each request, as credentials expire. */
  options(): Promise<RequestOptions>
}

/**
 * Plain HTTPS instead of @kubernetes/client-node's generated classes: the rules need the API's own JSON, and the classes open a new
 * connection through the tunnel for every call.
 */
export function createRest({ server, options }: Connection, { deadlines = WITHIN }: { deadlines?: Deadlines } = {}): Rest {
  const agent = new Agent({ keepAlive: true })

  async function send(path: string, asked: RestRequest): Promise<IncomingMessage> {
    const { method = 'GET', body, contentType = 'application/json', signal } = asked
    const connection = await options()
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...connection.headers,
      accept: 'application/json',
      'user-agent': 'threads-ops',
      ...(payload !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const url = new URL(`${server.replace(/\/$/, '')}${path}`)
    const sent = request(url, { ...connection, agent, method, headers, ...(signal && { signal }) }, resolve)
    sent.on('error', reject).end(payload)
    try {
      const response = await promise
      const status = response.statusCode ?? 0
      if (status >= 400) throw refusal(method, path, response, await text(response))
      return response
    } catch (error) {
      // The server may close an idle connection at the moment it is reused.
      if (sent.reusedSocket && systemCode(error) === 'ECONNRESET' && method === 'GET') return send(path, asked)
      throw error
    }
  }

  async function whole(path: string, asked: RestRequest = {}): Promise<string> {
    const { method = 'GET', repeatable = method === 'GET', signal } = asked
    try {
      return await attempt({
        service: 'the Kubernetes API',
        what: `${method} ${path}`,
        hint: NO_ANSWER_HINT,
        repeatable: error => repeatable || isUnread(error),
        // A tunnel that ended is opened again at the same port.
        transient: error => isTransient(error) || isRefused(error),
        signal,
        deadlines,
        async call(stop, number) {
          try {
            return await text(await send(path, { ...asked, signal: stop }))
          } catch (error) {
            // An earlier attempt may have deleted it, and its answer been lost.
            if (method === 'DELETE' && number > 1 && statusOf(error) === NOT_FOUND) return ''
            throw error instanceof OpsError ? error : unreachable(server, messageOf(error), error)
          }
        },
      })
    } catch (error) {
      if (!(error instanceof OpsError) || error.code !== exitCodes.timeout) throw error
      throw unreachable(server, `no answer within ${formatDuration(deadlines.whole)}`, error)
    }
  }

  return {
    text: whole,
    json: async (path, asked) => parsed(server, await whole(path, asked)),
    async *lines(path, signal) {
      let rest = ''
      for await (const chunk of (await send(path, { signal })).setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        yield* lines
      }
      if (rest !== '') yield rest
    },
    async socket(path, protocol, signal) {
      const [{ default: Socket }, connection] = await Promise.all([import('ws'), options()])
      if (signal?.aborted) throw interrupted(`opening ${path}: interrupted`, 'run it again')
      const url = `${server.replace(/^http/, 'ws').replace(/\/$/, '')}${path}`
      const opened = new Socket(url, protocol, {
        ...(connection as object),
        headers: { ...(connection.headers as Record<string, string> | undefined), 'user-agent': 'threads-ops' },
        ...{ handshakeTimeout: deadlines.each, perMessageDeflate: false },
      })
      const { promise, resolve, reject } = Promise.withResolvers<WebSocket>()
      const stop = () => {
        reject(interrupted(`opening ${path}: interrupted`, 'run it again'))
        opened.terminate()
      }
      signal?.addEventListener('abort', stop, { once: true })
      opened.once('open', () => {
        opened.pause()
        resolve(opened)
      })
      // Later errors are for whoever uses it.
      opened.on('error', error => reject(unreachable(server, messageOf(error), error)))
      opened.once('unexpected-response', async (_request, response) => {
        const body = await text(response).catch(() => '')
        reject(refusal('GET', path.replace(/\?.*$/, ''), response, body))
        opened.terminate()
      })
      try {
        return await promise
      } finally {
        signal?.removeEventListener('abort', stop)
      }
    },
    close: () => agent.destroy(),
  }
}

function refusal(method: string, path: string, { statusCode: status = 0, headers }: IncomingMessage, body: string): ApiError {
  const message = `the Kubernetes API answers ${status} to ${method} ${path}: ${statusMessage(body)}`
  const hint =
    status === 401 || status === 403
      ? 'the kubeconfig may be for an earlier cluster: `./taskw kubeconfig` writes it anew'
      : 'run it again; `./taskw status` shows the VM'
  return new ApiError(status, message, hint, headers['retry-after'])
}

/** A Kubernetes Status object's message, or the text as it is. */
function statusMessage(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body
  } catch {
    return body.trim()
  }
}

/** @throws OpsError 5 for what is not JSON: another server listens there, or a proxy answers */
function parsed<T>(server: string, body: string): T {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw external(
      `the Kubernetes API at ${server} answers with something else than JSON`,
      'does another program listen there? `./taskw tunnel` says',
      error,
    )
  }
}

const NOT_FOUND = 404
const TOO_MANY_REQUESTS = 429

/** Whether the server has certainly not begun with the request: then any may be repeated. */
const isUnread = (error: unknown): boolean => statusOf(error) === TOO_MANY_REQUESTS || isRefused(error)

const NO_ANSWER_HINT = 'is the tunnel up: `./taskw tunnel`'

/** No answer at all: whoever knows the VM can say why. */
export class Unreachable extends OpsError {
  constructor(message: string, cause: unknown) {
    super(exitCodes.external, message, NO_ANSWER_HINT, cause)
  }
}

function unreachable(server: string, reason: string, error: unknown): OpsError {
  const message = `can't reach the Kubernetes API at ${server}: ${reason}`
  return CERTIFICATE.test(`${systemCode(error)} ${reason}`)
    ? precondition(
        message,
        'the certificate belongs to another cluster or name: `./taskw kubeconfig` writes the kubeconfig anew',
        error,
      )
    : new Unreachable(message, error)
}

/** Node's error codes for a certificate that is not valid. */
const CERTIFICATE = /ERR_TLS|CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_SSL/
