import { Duplex } from 'node:stream'
import WebSocket from 'ws'
import { formatDuration } from '../runtime/duration.ts'
import { external, interrupted, timedOut } from '../runtime/errors.ts'
import { waiting } from '../runtime/waits.ts'

/**
 * IAP TCP forwarding, version 4 of the relay's protocol: frames in binary WebSocket messages, a 2-byte tag first.
 * Its only documentation is the source of the Google Cloud CLI (`iap_tunnel_websocket*.py`).
 */
const TAG = { connectSuccess: 0x0001, reconnectSuccess: 0x0002, data: 0x0004, ack: 0x0007 } as const
const TAG_BYTES = 2
const LARGEST_DATA = 16_384
/** What has arrived is acknowledged after this many bytes, so that the relay can drop what it keeps for a reconnection. */
const ACK_EVERY = 2 * LARGEST_DATA
const RECONNECT_PAUSES_MS = [200, 500, 1000, 2000, 4000]
const OPEN_DEADLINE_MS = 20_000

export interface RelayTarget {
  /** `wss://tunnel.cloudproxy.app` or the lab's. */
  relay: string
  project: string
  zone: string
  instance: string
  port: number
  token: () => Promise<string>
  /** Ends the wait for the relay's word that it is connected. */
  signal?: AbortSignal
  /** How long the relay may take to say so, in milliseconds. */
  within?: number
}

/**
 * A TCP connection to a VM without an external address. When the relay drops the WebSocket, the session is resumed by its id
 * without losing or repeating a byte.
 * @throws OpsError 5 when IAP refuses, or when nothing listens on the port; 124 when it does not answer; 130
 */
export async function dialThroughIap(target: RelayTarget): Promise<Duplex> {
  const stream = new RelayStream(target)
  await waiting(`IAP: port ${target.port} of ${target.instance}`, () => stream.connect())
  return stream
}

class RelayStream extends Duplex {
  readonly #target: RelayTarget
  #socket: WebSocket | undefined
  /** Whether the relay has said how much it has received. Until then, what is written must wait: it would be sent twice, once more with the unconfirmed data. */
  #isConfirmed = false
  #sid = ''
  #received = 0
  #receivedAndAcked = 0
  #confirmed = 0
  /** Sent and not yet confirmed, oldest first; sent again after a reconnection. */
  #unconfirmed: Buffer[] = []

  constructor(target: RelayTarget) {
    super()
    this.#target = target
  }

  async connect(): Promise<void> {
    const { project, zone, instance, port } = this.#target
    await this.#open('connect', { project, zone, instance, interface: 'nic0', port: String(port), newWebsocket: 'true' })
  }

  async #reconnect(): Promise<void> {
    for (const pause of RECONNECT_PAUSES_MS) {
      if (this.destroyed) return
      try {
        await this.#open('reconnect', {
          sid: this.#sid,
          ack: String(this.#received),
          zone: this.#target.zone,
          newWebsocket: 'true',
        })
        return
      } catch (error) {
        if (pause === RECONNECT_PAUSES_MS.at(-1)) {
          this.destroy(error as Error)
          return
        }
        await new Promise(resolve => setTimeout(resolve, pause))
      }
    }
  }

  /** Resolves once the relay has confirmed the connection; from then on the end of the socket is handled here. */
  async #open(endpoint: 'connect' | 'reconnect', query: Record<string, string>): Promise<void> {
    const url = new URL(`/v4/${endpoint}?${new URLSearchParams(query)}`, this.#target.relay)
    const socket = new WebSocket(url, 'relay.tunnel.cloudproxy.app', {
      headers: { authorization: `Bearer ${await this.#target.token()}` },
      origin: 'bot:iap-tunneler',
      handshakeTimeout: this.#target.within ?? OPEN_DEADLINE_MS,
      perMessageDeflate: false,
    })
    this.#socket = socket
    this.#isConfirmed = false
    const { within = OPEN_DEADLINE_MS, instance, signal } = this.#target
    await new Promise<void>((resolve, reject) => {
      let open = false
      const give = (up: Error) => {
        reject(up)
        socket.terminate()
      }
      // After the upgrade, too: a relay may accept and then say nothing.
      const timer = setTimeout(() => {
        const what = `IAP has not answered within ${formatDuration(within)}: connecting to port ${this.#target.port} of ${instance}`
        give(timedOut(what, 'run it again; `./taskw doctor` asks every service'))
      }, within)
      const stop = () => give(interrupted(`connecting to ${instance} through IAP: interrupted`, 'run it again'))
      const settled = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
      }
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted) stop()
      socket.on('message', (message: Buffer, isBinary: boolean) => {
        if (socket !== this.#socket || this.destroyed) return
        const accepted = isBinary ? this.#receive(message) : undefined
        if (accepted === undefined) {
          const nonsense = this.#refused('what it says is not its protocol')
          if (!open) return give(nonsense)
          this.#socket = undefined
          socket.terminate()
          // Whoever is being told that it is connected can listen by then.
          setImmediate(() => this.destroy(nonsense))
        } else if (accepted && !open) {
          open = true
          settled()
          resolve()
        }
      })
      socket.on('error', error => (open ? undefined : reject(this.#refused(error.message, error))))
      socket.on('close', (code, reason) => {
        settled()
        if (!open) reject(this.#refused(`${code} ${reason}`))
        else if (socket === this.#socket) this.#closed(code)
      })
    })
  }

  #refused(reason: string, cause?: unknown): Error {
    const { instance, port } = this.#target
    const why = reason.startsWith('4003') ? 'nothing listens there yet, or a firewall rule is missing' : reason
    return external(
      `IAP could not connect to port ${port} of ${instance}: ${why}`,
      'is the VM running, and may you use IAP (roles/iap.tunnelResourceAccessor)? `./taskw status` shows the VM',
      cause ?? new Error(reason),
    )
  }

  /** 1000 and the relay's own 4xxx codes are final; with anything else the connection broke, but the session is alive. */
  #closed(code: number): void {
    if (this.destroyed) return
    if (code === 1000 || code >= 4000) this.push(null)
    else void this.#reconnect()
  }

  /** @returns whether the frame confirms the connection; undefined when it is none of the protocol's */
  #receive(frame: Buffer): boolean | undefined {
    if (frame.length < TAG_BYTES) return undefined
    switch (frame.readUInt16BE(0)) {
      case TAG.connectSuccess: {
        const sid = contentOf(frame)
        if (sid === undefined) return undefined
        this.#sid = sid.toString()
        this.#isConfirmed = true
        return true
      }
      case TAG.reconnectSuccess:
        if (!this.#confirm(frame)) return undefined
        for (const data of this.#unconfirmed) this.#socket?.send(dataFrame(data))
        this.#isConfirmed = true
        return true
      case TAG.data: {
        const data = contentOf(frame)
        if (data === undefined) return undefined
        this.#received += data.length
        if (this.#received - this.#receivedAndAcked > ACK_EVERY) this.#acknowledge()
        if (!this.push(data)) this.#socket?.pause()
        return false
      }
      case TAG.ack:
        return this.#confirm(frame) ? false : undefined
      default:
        return false
    }
  }

  #acknowledge(): void {
    const frame = Buffer.alloc(10)
    frame.writeUInt16BE(TAG.ack, 0)
    frame.writeBigUInt64BE(BigInt(this.#received), 2)
    this.#socket?.send(frame)
    this.#receivedAndAcked = this.#received
  }

  /** Drops what the relay has received. @returns whether it says how much that is, and it is no more than was sent */
  #confirm(frame: Buffer): boolean {
    if (frame.length < TAG_BYTES + 8) return false
    const total = Number(frame.readBigUInt64BE(TAG_BYTES))
    while (this.#confirmed < total) {
      const oldest = this.#unconfirmed.shift()
      if (!oldest) return false
      const left = total - this.#confirmed
      if (oldest.length > left) {
        this.#unconfirmed.unshift(oldest.subarray(left))
        this.#confirmed = total
      } else this.#confirmed += oldest.length
    }
    return true
  }

  override _read(): void {
    this.#socket?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    for (let offset = 0; offset < chunk.length; offset += LARGEST_DATA) {
      const data = chunk.subarray(offset, offset + LARGEST_DATA)
      this.#unconfirmed.push(data)
      // Without a socket the data waits in #unconfirmed for the reconnection.
      if (this.#isConfirmed && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(dataFrame(data))
    }
    done()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket?.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket?.close(1000)
    done(error)
  }
}

/** What a frame carries after its tag and its length; undefined when that is not all there. */
function contentOf(frame: Buffer): Buffer | undefined {
  const start = TAG_BYTES + 4
  if (frame.length < start) return undefined
  const end = start + frame.readUInt32BE(TAG_BYTES)
  return end <= frame.length ? frame.subarray(start, end) : undefined
}

function dataFrame(data: Buffer): Buffer {
  const header = Buffer.alloc(6)
  header.writeUInt16BE(TAG.data, 0)
  header.writeUInt32BE(data.length, 2)
  return Buffer.concat([header, data])
}
