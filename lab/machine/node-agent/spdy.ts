import { Duplex } from 'node:stream'
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib'

/**
 * The part of SPDY/3.1 by which kubectl forwards ports: streams that the client opens, with headers, data and an end on each side.
 * Flow control is left out, as in the client (github.com/moby/spdystream).
 * Source: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
const VERSION = 3
const TYPE = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const
const FIN = 1
const CONTROL = 0x8000_0000
const FRAME_HEADER = 8
/** Before the headers of a SYN_STREAM: two stream ids, a priority and a slot. */
const SYN_STREAM_START = 10
const CANCEL = 5
const LARGEST_DATA = 0xffff

/** What headers are compressed with: words behind their lengths, and then a text. Section 2.6.10.1 */
const WORDS = `options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5
content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer
transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie
keep-alive origin`
const TEXT =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found' +
  '500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,' +
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const dictionary: Buffer = Buffer.concat([
  ...WORDS.split(/\s/)
    .map(word => word.replace('_', ' '))
    .flatMap(word => [uint32(word.length), Buffer.from(word)]),
  Buffer.from(TEXT),
])

/** A stream that the client has opened. */
export class SpdyStream extends Duplex {
  readonly headers: ReadonlyMap<string, string>
  readonly #send: (fin: boolean, data: Buffer) => Promise<void>
  #wanted = Promise.withResolvers<void>()

  constructor(headers: ReadonlyMap<string, string>, send: (fin: boolean, data: Buffer) => Promise<void>) {
    super()
    this.headers = headers
    this.#send = send
    this.once('close', () => this.#wanted.resolve())
  }

  /** Takes what the client has sent; resolves when there is room for more. */
  async receive(data: Buffer, isLast: boolean): Promise<void> {
    if (this.destroyed) return
    if (data.length > 0 && !this.push(data)) {
      this.#wanted = Promise.withResolvers<void>()
      await this.#wanted.promise
    }
    if (isLast && !this.destroyed) this.push(null)
  }

  override _read(): void {
    this.#wanted.resolve()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const parts = Array.from({ length: Math.ceil(chunk.length / LARGEST_DATA) }, (_, part) =>
      this.#send(false, chunk.subarray(part * LARGEST_DATA, (part + 1) * LARGEST_DATA)),
    )
    Promise.all(parts).then(() => done(), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(true, Buffer.alloc(0)).then(() => done(), done)
  }
}

/** Serves a client's connection until it ends. @param opened called with each stream, once it is acknowledged */
export async function serveSpdy(socket: Duplex, head: Buffer, opened: (stream: SpdyStream) => void): Promise<void> {
  const inflate = createInflate({ dictionary, flush: constants.Z_SYNC_FLUSH })
  const deflate = createDeflate({ dictionary, flush: constants.Z_SYNC_FLUSH })
  const streams = new Map<number, SpdyStream>()
  const write = (...parts: Buffer[]): Promise<void> =>
    new Promise((resolve, reject) => socket.write(Buffer.concat(parts), error => (error ? reject(error) : resolve())))
  const control = (type: number, body: Buffer) => write(uint32(CONTROL + VERSION * 0x1_0000 + type), uint32(body.length), body)

  // Whoever waits for them learns of it.
  for (const stream of [socket, inflate, deflate]) stream.on('error', () => undefined)
  try {
    for await (const { type, id, flags, body } of framesOf(socket, head)) {
      if (type === undefined) await streams.get(id)?.receive(body, (flags & FIN) !== 0)
      else if (type === TYPE.synStream) {
        const headers = headersIn(await through(inflate, body.subarray(SYN_STREAM_START)))
        const stream = new SpdyStream(headers, (fin, data) =>
          write(uint32(id), uint32((fin ? FIN : 0) * 0x100_0000 + data.length), data),
        )
        stream.on(
          'error',
          () => void control(TYPE.rstStream, Buffer.concat([uint32(id), uint32(CANCEL)])).catch(() => undefined),
        )
        stream.once('close', () => streams.delete(id))
        streams.set(id, stream)
        await control(TYPE.synReply, Buffer.concat([uint32(id), await through(deflate, uint32(0))]))
        opened(stream)
        if (flags & FIN) await stream.receive(Buffer.alloc(0), true)
      } else if (type === TYPE.rstStream) streams.get(id)?.destroy()
      else if (type === TYPE.ping) await control(TYPE.ping, body)
      else if (type === TYPE.goAway) break
    }
  } catch {
    // The client is gone, or what it says is not SPDY.
  }
  for (const stream of streams.values()) stream.destroy()
  for (const codec of [inflate, deflate]) codec.close()
  socket.end()
}

interface Frame {
  /** Of a control frame; undefined for data. */
  type?: number
  /** Of the stream; of most control frames the first number in them. */
  id: number
  flags: number
  body: Buffer
}

async function* framesOf(socket: Duplex, head: Buffer): AsyncGenerator<Frame> {
  let rest = head
  const next = function* (): Generator<Frame> {
    while (rest.length >= FRAME_HEADER) {
      const [first, second] = [rest.readUInt32BE(0), rest.readUInt32BE(4)]
      const end = FRAME_HEADER + (second & 0xff_ffff)
      if (rest.length < end) return
      const body = rest.subarray(FRAME_HEADER, end)
      rest = rest.subarray(end)
      const flags = second >>> 24
      if (first < CONTROL) yield { id: first, flags, body }
      else yield { type: first & 0xffff, id: body.length >= 4 ? body.readUInt32BE(0) : 0, flags, body }
    }
  }
  yield* next()
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer])
    yield* next()
  }
}

/** What comes out of a codec for what is put in; it goes on with what it has seen before. */
async function through(codec: Deflate | Inflate, data: Buffer): Promise<Buffer> {
  const parts: Buffer[] = []
  const collect = (part: Buffer) => parts.push(part)
  codec.on('data', collect)
  try {
    await new Promise<void>((resolve, reject) => codec.write(data, error => (error ? reject(error) : resolve())))
    return Buffer.concat(parts)
  } finally {
    codec.off('data', collect)
  }
}

function headersIn(block: Buffer): Map<string, string> {
  let at = 0
  const number = () => {
    at += 4
    return block.readUInt32BE(at - 4)
  }
  const text = () => {
    const length = number()
    at += length
    return block.toString('utf8', at - length, at)
  }
  return new Map(Array.from({ length: number() }, () => [text(), text()]))
}
