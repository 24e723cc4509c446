import type { IncomingHttpHeaders } from 'node:http'
import { decoded, objectIn } from '../../../lib/runtime/serving.ts'
import { type ApiError, invalid } from './errors.ts'
import { withoutUnset } from './json.ts'

/** What a handler answers with: JSON, or bytes with their own headers. */
export interface Reply {
  status?: number
  json?: object
  content?: Uint8Array
  headers?: Record<string, string>
}

/** A request as handlers see it: one from the network, or a part of a batch. */
export interface Incoming {
  method?: string | undefined
  headers: IncomingHttpHeaders
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>
}

export type Handler = (call: Call) => Reply | Promise<Reply>

/** More than any client of this project sends as JSON. */
export const LARGEST_JSON = 16 * 1024 * 1024

/** One request, with the values that its route captured. */
export class Call {
  readonly #message: Incoming
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly #captured: Record<string, string>

  constructor(message: Incoming, url: URL, captured: Record<string, string>) {
    this.#message = message
    this.method = message.method ?? 'GET'
    this.path = url.pathname
    this.query = url.searchParams
    this.#captured = captured
  }

  /** A captured part of the path. @throws Error when the route has none of that name, which is a bug */
  param(name: string): string {
    const value = this.#captured[name]
    if (value === undefined) throw new Error(`the route of ${this.path} captures no ${name}`)
    return value
  }

  has(name: string): boolean {
    return this.#captured[name] !== undefined
  }

  /** A boolean parameter; Python's clients capitalize its value. */
  flag(name: string, usual = false): boolean {
    const value = this.query.get(name)
    return value === null ? usual : value.toLowerCase() === 'true'
  }

  header(name: string): string | undefined {
    const value = this.#message.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  /** The origin at which the client reached this server, for links back to it. */
  get origin(): string {
    return `http://${this.header('host') ?? '127.0.0.1'}`
  }

  async body(limit = Number.POSITIVE_INFINITY): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of this.#message) {
      size += chunk.length
      if (size > limit) throw invalid('The request is too large.', 'uploadTooLarge')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  /**
   * The JSON object in the body; an empty body is an empty object. What is unset in it is left out, so that defaults apply,
   * except in a PATCH, where null removes. @throws BadRequest for anything else
   */
  async json<T extends object = Record<string, unknown>>(): Promise<T> {
    const text = (await this.body(LARGEST_JSON)).toString()
    const sent = text.trim() === '' ? {} : parseObject(text)
    return (this.method === 'PATCH' ? sent : withoutUnset(sent)) as T
  }
}

/** @throws BadRequest for anything but a JSON object */
export const parseObject = (text: string): object => objectIn(text, withoutNulls)

/** Google ignores null elements of lists, which the Terraform provider sends. */
const withoutNulls = (_: string, value: unknown): unknown =>
  Array.isArray(value) ? value.filter(element => element !== null) : value

interface Route {
  method: string
  pattern: RegExp
  handler: Handler
}

/**
 * Routes in Google's notation: `{name}` is one path segment, up to the colon of a custom verb; `{+name}` is any number of
 * segments. The first route that matches answers.
 */
export class Router {
  readonly #routes: Route[] = []

  on(method: string, template: string, handler: Handler): void {
    const source = template
      .replace(/[.$()]/g, '\\$&')
      .replace(/\{\+(\w+)\}/g, '(?<$1>.+)')
      .replace(/\{(\w+)\}/g, '(?<$1>[^/:]+)')
    this.#routes.push({ method, pattern: new RegExp(`^${source}$`), handler })
  }

  get = (template: string, handler: Handler): void => this.on('GET', template, handler)
  post = (template: string, handler: Handler): void => this.on('POST', template, handler)
  put = (template: string, handler: Handler): void => this.on('PUT', template, handler)
  patch = (template: string, handler: Handler): void => this.on('PATCH', template, handler)
  delete = (template: string, handler: Handler): void => this.on('DELETE', template, handler)

  /** The handler's answer, or undefined when no route matches. @throws ApiError what the handler throws. */
  async route(message: Incoming, url: URL): Promise<Reply | undefined> {
    for (const { method, pattern, handler } of this.#routes) {
      if (method !== message.method) continue
      const match = pattern.exec(url.pathname)
      if (match) return handler(new Call(message, url, allDecoded(match.groups ?? {})))
    }
    return undefined
  }
}

const allDecoded = (groups: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decoded(value)]))

export const failed = (error: ApiError): Reply => ({ status: error.status, json: error.body() })
