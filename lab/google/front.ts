import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDiskFull, messageOf, systemCode } from '../../lib/runtime/errors.ts'
import { answering, BadRequest, targetOf } from '../../lib/runtime/serving.ts'
import type { Faults, RequestFaults } from './faults.ts'
import { batch } from './http/batch.ts'
import { ApiError, invalid, notFound } from './http/errors.ts'
import { selectFields } from './http/fields.ts'
import { withoutUnset } from './http/json.ts'
import type { Rate } from './http/rate.ts'
import { Call, failed, type Incoming, LARGEST_JSON, parseObject, type Reply, type Router } from './http/router.ts'
import { insufficientStorage, type Room } from './room.ts'
import { isAuthorized, unauthorized } from './token.ts'

interface FrontOptions {
  /** Google's JSON APIs and the lab's own. */
  api: Router
  /** For every other path: the XML API, whose first segment is a bucket. */
  xml: Router
  /** Routes that need no token, because they issue one. */
  open: Router
  token: string
  /** Where the state is kept. */
  room: Room
  faults: Faults
  /** The Compute API's rate limit. */
  rate: Rate
  /** Called for each answer worth logging. */
  log: (line: string) => void
}

const COMPUTE_PATH = /^\/compute\/v1\/projects\/([^/]+)/
const API_PATH = /^\/(compute|v1|storage|b|upload|resumable|download|lab)(\/|$)/
/** Google's client library sends an empty text where a method takes no body. */
const NOTHING = ['', '""']
const UPLOAD_PATH = /^\/(resumable\/)?upload\//
const BATCH_PATH = /^\/batch(\/|$)/
/** No fault applies to the lab's own API, where faults are cleared. */
const OWN_PATH = /^\/lab\//

/** Answers requests: everything between a connection and the routes. */
export function createFront(options: FrontOptions): RequestListener {
  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now()
    response.on('finish', () => {
      const { method, url = '' } = message
      const { statusCode } = response
      // The query may contain a token.
      const line = `${method} ${url.split('?')[0]} ${statusCode} ${Math.round(performance.now() - started)} ms`
      if (method !== 'GET' || (statusCode >= 400 && statusCode !== 404)) options.log(line)
    })
    const url = withOneVersion(targetOf(message))
    const reached = await (BATCH_PATH.test(url.pathname) ? whole(options, message, url) : reply(options, message, url))
    if (reached === 'cut') response.destroy()
    else send(response, reached)
  }
  return answering(answer, (response, status, text) =>
    send(response, failed(status === 400 ? invalid(text) : new ApiError(status, 'backendError', text))),
  )
}

/** Answers a batch once all its parts are done; a part without authorization inherits the batch's. */
async function whole(options: FrontOptions, message: IncomingMessage, url: URL): Promise<Reply> {
  try {
    if (!isAuthorized(message.headers, options.token)) throw unauthorized
    return await batch(new Call(message, url, {}), async (part, target) => {
      const { authorization } = message.headers
      const headers = { ...(authorization && { authorization }), ...part.headers }
      const answer = await reply(options, { ...part, headers }, target)
      return answer === 'cut' ? failed(new ApiError(503, 'backendError', 'Backend Error')) : answer
    })
  } catch (error) {
    return failure(message, url, error)
  }
}

/**
 * Provider google's handwritten clients put `v1/` behind the endpoint, and take the endpoint's own version away only from an
 * HTTPS URL.
 */
function withOneVersion(url: URL): URL {
  url.pathname = url.pathname.replace(/^\/v1(\/v1)+\//, '/v1/')
  return url
}

async function reply(options: FrontOptions, message: Incoming, url: URL): Promise<Reply | 'cut'> {
  const { open, faults } = options
  const found = OWN_PATH.test(url.pathname) ? undefined : faults.request(message.method ?? 'GET', url.pathname)
  if (found?.delayMs) await sleep(found.delayMs)
  if (found?.cut === 'before') return 'cut'
  try {
    const { json, ...rest } = (await open.route(message, url)) ?? (await authorized(options, message, url, found))
    return found?.cut === 'after' ? 'cut' : { ...rest, ...(json && { json: withoutUnset(json) }) }
  } catch (error) {
    return found?.cut === 'after' ? 'cut' : failure(message, url, error)
  }
}

async function authorized(
  { api, xml, token, room, rate }: FrontOptions,
  message: Incoming,
  url: URL,
  found?: RequestFaults,
): Promise<Reply> {
  if (found?.tokenExpired || !isAuthorized(message.headers, token)) throw unauthorized
  if (found?.answer) throw onDemand(found.answer)
  const project = COMPUTE_PATH.exec(url.pathname)?.[1]
  if (project !== undefined) rate.take(project, performance.now())
  await room.check(message.method, url.pathname)
  const answer = await (API_PATH.test(url.pathname) ? api : xml).route(await wellFormed(message, url), url)
  if (!answer) throw notFound(url.pathname)
  const fields = url.searchParams.get('fields')
  return answer.json && fields ? { ...answer, json: selectFields(answer.json, fields) } : answer
}

/**
 * Google reads the JSON that it is sent before it does anything, needed or not. What is uploaded is not for it to read.
 * @throws BadRequest
 */
async function wellFormed(message: Incoming, url: URL): Promise<Incoming> {
  const { method, headers } = message
  if (UPLOAD_PATH.test(url.pathname) || !/^application\/json\b/i.test(headers['content-type'] ?? '')) return message
  const content = await new Call(message, url, {}).body(LARGEST_JSON)
  const text = content.toString().trim()
  if (!NOTHING.includes(text)) parseObject(text)
  async function* body() {
    yield content
  }
  return { method, headers, [Symbol.asyncIterator]: body }
}

const usualReasons: Record<number, string> = {
  403: 'rateLimitExceeded',
  404: 'notFound',
  409: 'conflict',
  412: 'conditionNotMet',
  429: 'rateLimitExceeded',
}

const onDemand = ({ status, reason }: { status: number; reason?: string }): ApiError =>
  new ApiError(status, reason ?? usualReasons[status] ?? 'backendError', `HTTP ${status} on demand`)

function failure({ method }: Incoming, url: URL, error: unknown): Reply {
  if (error instanceof BadRequest) return failed(invalid(error.message, 'parseError'))
  // Whoever hangs up before all is sent hears nothing of it.
  if (!(error instanceof ApiError) && systemCode(error) !== 'ECONNRESET') console.error(`${method} ${url.pathname}:`, error)
  return failed(error instanceof ApiError ? error : unexpected(error))
}

const unexpected = (error: unknown): ApiError =>
  isDiskFull(error) ? insufficientStorage(messageOf(error)) : new ApiError(500, 'backendError', messageOf(error))

/** Statuses whose responses have no body. */
const bodiless = [204, 304, 308]

function send(response: ServerResponse, { status = 200, json, content, headers = {} }: Reply): void {
  const body = json ? Buffer.from(JSON.stringify(json)) : content
  const type = json ? { 'content-type': 'application/json; charset=UTF-8' } : {}
  if (body === undefined || bodiless.includes(status)) {
    response.writeHead(status, headers)
    response.end()
    return
  }
  response.writeHead(status, { 'content-length': String(body.length), ...type, ...headers })
  response.end(body)
}
