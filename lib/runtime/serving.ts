import { type IncomingMessage, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { messageOf } from './errors.ts'

/**
 * What every server here has in common, so that no request ends one: how a target is taken apart, and what becomes of what a handler
 * throws. What is wrong with a request is its sender's to mend: 4xx.
 */
export class BadRequest extends Error {
  readonly status: number
  constructor(message: string, status = 400) {
    super(message)
    this.name = 'BadRequest'
    this.status = status
  }
}

/** Only its path and query are looked at. */
const ORIGIN = 'http://server'

/**
 * The path and the query of a request. A path can be decoded, as a whole and in parts, and has no control characters then; one that
 * begins with `//` is refused, as it would name a host.
 * @throws BadRequest
 */
export function targetOf({ url = '/' }: { url?: string | undefined }): URL {
  const isAbsolute = /^https?:\/\/[^/]/i.test(url)
  const target = isAbsolute || /^\/(?!\/)/.test(url) ? URL.parse(isAbsolute ? url : `${ORIGIN}${url}`) : null
  if (!target) throw new BadRequest('The target of the request is not a path.')
  decoded(target.pathname)
  return target
}

/** A part of a URL without its percent escapes. @throws BadRequest */
export function decoded(part: string): string {
  let text: string
  try {
    text = decodeURIComponent(part)
  } catch {
    throw new BadRequest('The URL is not well encoded.')
  }
  if (/\p{Cc}/u.test(text)) throw new BadRequest('The URL has a control character.')
  return text
}

/**
 * A body's JSON object.
 * @param revive as for JSON.parse
 * @throws BadRequest for anything else, and for the name by which JavaScript's own objects would be reached
 */
export function objectIn(text: string, revive = (_: string, value: unknown): unknown => value): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text, (name, inner) => {
      if (name === '__proto__') throw new Error(name)
      return revive(name, inner)
    })
  } catch {
    throw new BadRequest('The body is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadRequest('The body is not an object.')
  return value as Record<string, unknown>
}

/** The status of an answer to what was thrown: its own, or 500. */
export const statusOf = (thrown: unknown): number => (thrown instanceof BadRequest ? thrown.status : 500)

type Say = (response: ServerResponse, status: number, message: string) => void

const say: Say = (response, status, message) =>
  void response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`)

/**
 * A listener for requests whose handler may fail: that is answered by `refuse`, and where an answer has begun, it breaks off. What is
 * not the sender's fault is written to stderr.
 */
export const answering =
  (answer: (request: IncomingMessage, response: ServerResponse) => unknown, refuse: Say = say): RequestListener =>
  (request, response) => {
    const failed = (error: unknown) => {
      if (!(error instanceof BadRequest) && !request.destroyed) console.error(`${request.method} ${request.url}:`, error)
      if (response.headersSent || response.destroyed) response.destroy()
      else refuse(response, statusOf(error), messageOf(error))
    }
    // What is written to a connection that is gone is lost, and no failure.
    response.on('error', () => response.destroy())
    const answered = async () => answer(request, response)
    answered().catch(failed)
  }

/** Keeps a connection's failure from being the process's: what was upgraded is nobody else's any more. */
export const destroyOnError = <T extends Duplex>(socket: T): T => socket.on('error', () => socket.destroy())

/** Refuses an upgrade. */
export function refuseUpgrade(socket: Duplex, status: number, body = '', type = 'text/plain'): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
    'Connection: close',
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
