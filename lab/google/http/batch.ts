import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { targetOf } from '../../../lib/runtime/serving.ts'
import { invalid } from './errors.ts'
import { parseHeaders, parseMultipart, splitHead } from './multipart.ts'
import type { Call, Incoming, Reply } from './router.ts'

/** Google's own limit. https://cloud.google.com/compute/docs/api/how-tos/batch */
const LARGEST_BATCH = 1000

/**
 * Several requests in one: `multipart/mixed` with a whole HTTP request in each part; the answer has the same form and order.
 * @param answer answers one of them; never throws
 */
export async function batch(call: Call, answer: (request: Incoming, url: URL) => Promise<Reply>): Promise<Reply> {
  const parts = parseMultipart(call.header('content-type') ?? '', await call.body())
  if (parts.length > LARGEST_BATCH) throw invalid(`The batch has ${parts.length} requests, the maximum is ${LARGEST_BATCH}.`)
  const boundary = `batch_${randomUUID()}`
  const answers = await Promise.all(
    parts.map(async ({ headers, content }) => {
      const { request, url } = parseRequest(content)
      const id = headers['content-id']?.replace(/^<?/, '<response-').replace(/>?$/, '>')
      return part(id, await answer(request, url))
    }),
  )
  const text = [...answers.map(body => `--${boundary}\r\n${body}`), `--${boundary}--\r\n`].join('')
  return { content: Buffer.from(text), headers: { 'content-type': `multipart/mixed; boundary=${boundary}` } }
}

function parseRequest(content: Buffer): { request: Incoming; url: URL } {
  const newline = content.subarray(0, content.indexOf('\n')).at(-1) === 0x0d ? '\r\n' : '\n'
  const { head, rest } = splitHead(content, newline)
  const [line = ''] = head.split(newline)
  const [method, target] = line.split(' ')
  if (!method || !target?.startsWith('/')) throw invalid('A part of the batch is not an HTTP request.', 'badContent')
  async function* body() {
    yield rest
  }
  return {
    request: { method, headers: parseHeaders(head), [Symbol.asyncIterator]: body },
    url: targetOf({ url: target }),
  }
}

function part(id: string | undefined, { status = 200, json, content, headers = {} }: Reply): string {
  const body = json ? JSON.stringify(json) : (content?.toString() ?? '')
  const type = json ? 'application/json; charset=UTF-8' : headers['content-type']
  const lines = [
    'Content-Type: application/http',
    ...(id ? [`Content-ID: ${id}`] : []),
    '',
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
    ...(type ? [`Content-Type: ${type}`] : []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
    '',
  ]
  return lines.join('\r\n')
}
