import { invalid, required } from './errors.ts'

/** One part of a `multipart/…` body. */
export interface Part {
  /** By lower-case name. */
  headers: Record<string, string>
  content: Buffer
}

/**
 * The parts of a multipart body (RFC 2046). Lines end in CRLF, or in LF alone as Python's clients write them.
 * @throws ApiError 400
 */
export function parseMultipart(contentType: string, body: Buffer): Part[] {
  const match = /boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2] ?? match?.[3]
  if (!boundary) throw required('boundary')
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Part[] = []
  let at = body.indexOf(delimiter)
  const newline = body.subarray(at + delimiter.length).toString('latin1', 0, 1) === '\n' ? '\n' : '\r\n'
  const next = Buffer.concat([Buffer.from(newline), delimiter])
  while (at >= 0) {
    const start = at + delimiter.length
    if (body.subarray(start, start + 2).toString() === '--') return parts
    const end = body.indexOf(next, start)
    if (end < 0) break
    parts.push(parsePart(body.subarray(body.indexOf('\n', start) + 1, end), newline))
    at = end + newline.length
  }
  throw invalid('The multipart body is cut off.', 'badContent')
}

function parsePart(part: Buffer, newline: string): Part {
  // A part without headers begins with the empty line.
  if (part.indexOf(newline) === 0) return { headers: {}, content: part.subarray(newline.length) }
  const { head, rest } = splitHead(part, newline)
  return { headers: parseHeaders(head), content: rest }
}

/** What is before and after the first empty line. */
export function splitHead(text: Buffer, newline: string): { head: string; rest: Buffer } {
  const end = text.indexOf(newline + newline)
  if (end < 0) return { head: text.toString(), rest: Buffer.alloc(0) }
  return { head: text.subarray(0, end).toString(), rest: text.subarray(end + 2 * newline.length) }
}

export function parseHeaders(head: string): Record<string, string> {
  const lines = head.split(/\r?\n/).filter(line => line.includes(':'))
  return Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
}
