import { invalid, required } from '../http/errors.ts'

/** One part of a `multipart/related` body. */
interface Part {
  contentType: string
  content: Buffer
}

/** The parts of a `multipart/related` body (RFC 2387). @throws ApiError 400 */
export function parseMultipart(contentType: string, body: Buffer): Part[] {
  const match = /boundary=(?:"([^"]+)"|([^;\s]+)|'([^']+)')/i.exec(contentType)
  const boundary = (match?.[1] ?? match?.[2] ?? match?.[3])?.replace(/^'|'$/g, '')
  if (!boundary) throw required('boundary')
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Part[] = []
  let at = body.indexOf(delimiter)
  while (at >= 0) {
    const start = at + delimiter.length
    if (body.subarray(start, start + 2).toString() === '--') return parts
    const next = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start)
    if (next < 0) break
    parts.push(parsePart(body.subarray(body.indexOf('\r\n', start) + 2, next)))
    at = next + 2
  }
  throw invalid('The multipart body is cut off.', 'badContent')
}

function parsePart(part: Buffer): Part {
  // A part without headers begins with the empty line.
  const headless = part.subarray(0, 2).toString() === '\r\n'
  const end = headless ? 0 : part.indexOf('\r\n\r\n')
  const headers = headless ? '' : part.subarray(0, end).toString()
  const contentType = /^content-type:\s*(.+?)\s*$/im.exec(headers)?.[1] ?? 'application/octet-stream'
  return { contentType, content: part.subarray(end + (headless ? 2 : 4)) }
}
