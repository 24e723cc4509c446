import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Faults } from '../faults.ts'
import { DelayLine } from './delay-line.ts'
import {
  ackFrame,
  closeCodes,
  connectSuccessFrame,
  dataFrame,
  LARGEST_DATA,
  parseFrame,
  reconnectSuccessFrame,
} from './frames.ts'

/** How long a client may take to reconnect after its WebSocket broke. */
const RECONNECT_WITHIN_MS = 60_000
/** Unacknowledged data is kept for resending; beyond this the backend is paused. */
const LARGEST_UNACKNOWLEDGED = 4 * 1024 * 1024
/** Clients do the same: acknowledging every frame would be a waste. */
const ACK_AFTER = 2 * LARGEST_DATA

/** How `ws` reports a connection that ended without a closing handshake (RFC 6455, 7.4.1). */
const WITHOUT_HANDSHAKE = 1006

/** One tunnelled TCP connection. It outlives the WebSocket that carries it, which a client may replace after a break. */
export class Session {
  readonly sid = randomBytes(18).toString('base64url')
  readonly #backend: Duplex
  readonly #faults: Faults
  /** Frames on their way to the client, and from it. */
  readonly #outgoing = new DelayLine()
  readonly #incoming = new DelayLine()
  readonly #ended: () => void
  #socket: WebSocket | undefined
  /** Bytes received from the client, and how many of them have been acknowledged to it. */
  #received = 0
  #receivedAcked = 0
  /** Number of bytes from the backend that the client has confirmed, and the data that it has not. */
  #confirmed = 0
  #unconfirmed: Buffer[] = []
  #abandoned: NodeJS.Timeout | undefined

  constructor(backend: Duplex, faults: Faults, ended: () => void) {
    this.#backend = backend
    this.#faults = faults
    this.#ended = ended
    backend.on('data', (data: Buffer) => this.#fromBackend(data))
    backend.on('end', () => this.end(closeCodes.normal, 'the backend has closed the connection'))
    backend.on('error', error => this.end(closeCodes.readFailed, error.message))
    backend.on('close', () => this.end(closeCodes.normal, 'the backend has closed the connection'))
  }

  connect(socket: WebSocket): void {
    this.#adopt(socket)
    this.#send(socket, connectSuccessFrame(this.sid))
  }

  /** @param acknowledged bytes that the client has received in all, over every WebSocket of this session */
  reconnect(socket: WebSocket, acknowledged: number): void {
    if (!this.#confirm(acknowledged)) {
      socket.close(closeCodes.badAck, 'bad ack')
      return
    }
    this.#socket?.terminate()
    this.#adopt(socket)
    this.#send(socket, reconnectSuccessFrame(this.#received))
    this.#receivedAcked = this.#received
    for (const data of this.#unconfirmed) this.#send(socket, dataFrame(data))
  }

  end(code: number, reason: string): void {
    clearTimeout(this.#abandoned)
    this.#backend.destroy()
    const socket = this.#socket
    // A close frame's reason has at most 123 bytes. The frame comes after those still on their way.
    this.#outgoing.push(0, () => socket?.close(code, reason.slice(0, 120)))
    this.#socket = undefined
    this.#ended()
  }

  #adopt(socket: WebSocket): void {
    clearTimeout(this.#abandoned)
    this.#outgoing.clear()
    this.#incoming.clear()
    this.#socket = socket
    socket.on('message', (bytes: Buffer, isBinary) => {
      this.#carry(this.#incoming, socket, () => this.#fromClient(socket, isBinary ? bytes : Buffer.alloc(0)))
    })
    socket.on('close', code => this.#closed(socket, code))
    socket.on('error', () => socket.terminate())
  }

  #send(socket: WebSocket, frame: Buffer): void {
    this.#carry(this.#outgoing, socket, () => socket.send(frame))
  }

  /** Carries a frame, late or lost as the faults say. A lost frame breaks the connection, since TCP never just loses data. */
  #carry(line: DelayLine, socket: WebSocket, arrive: () => void): void {
    const { latencyMs, breaks } = this.#faults.frame()
    line.push(latencyMs, breaks ? () => this.#break(socket) : arrive)
  }

  /** Immediate: whatever follows the lost frame is lost as well. */
  #break(socket: WebSocket): void {
    socket.terminate()
    this.#closed(socket, WITHOUT_HANDSHAKE)
  }

  #fromClient(socket: WebSocket, bytes: Buffer): void {
    if (socket !== this.#socket) return
    const frame = parseFrame(bytes)
    if (frame.tag === 'data') this.#toBackend(socket, frame.data)
    else if (frame.tag === 'malformed') this.end(closeCodes.invalidData, 'invalid data')
    else if (frame.tag === 'unknown') this.end(closeCodes.invalidTag, 'invalid tag')
    else if (!this.#confirm(frame.bytes)) this.end(closeCodes.badAck, 'bad ack')
  }

  #toBackend(socket: WebSocket, data: Buffer): void {
    this.#received += data.length
    if (!this.#backend.write(data)) {
      socket.pause()
      this.#backend.once('drain', () => socket.resume())
    }
    if (this.#received - this.#receivedAcked > ACK_AFTER) {
      this.#send(socket, ackFrame(this.#received))
      this.#receivedAcked = this.#received
    }
  }

  #fromBackend(data: Buffer): void {
    for (let at = 0; at < data.length; at += LARGEST_DATA) {
      const part = data.subarray(at, at + LARGEST_DATA)
      this.#unconfirmed.push(part)
      if (this.#socket) this.#send(this.#socket, dataFrame(part))
    }
    if (this.#pending() > LARGEST_UNACKNOWLEDGED) this.#backend.pause()
  }

  #pending(): number {
    return this.#unconfirmed.reduce((sum, { length }) => sum + length, 0)
  }

  /** Drops what the client has confirmed. @returns false when it confirms more than was sent, or what is no number */
  #confirm(total: number): boolean {
    let left = total - this.#confirmed
    if (!(left >= 0 && left <= this.#pending())) return false
    this.#confirmed = total
    while (left > 0) {
      const [first] = this.#unconfirmed
      if (!first) break
      this.#unconfirmed.shift()
      if (first.length > left) this.#unconfirmed.unshift(first.subarray(left))
      left -= Math.min(first.length, left)
    }
    if (this.#pending() <= LARGEST_UNACKNOWLEDGED) this.#backend.resume()
    return true
  }

  /** A closing handshake ends the session; a WebSocket that broke without one may be replaced. */
  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return
    this.#socket = undefined
    if (code === WITHOUT_HANDSHAKE) {
      this.#abandoned = setTimeout(() => this.end(closeCodes.normal, 'the client did not come back'), RECONNECT_WITHIN_MS)
    } else this.end(closeCodes.normal, 'closed by the client')
  }
}
