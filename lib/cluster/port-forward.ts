import { Duplex } from 'node:stream'
import type WebSocket from 'ws'
import { external } from '../runtime/errors.ts'
import type { Rest } from './rest.ts'

/**
 * Port-forward by the Kubernetes API, as WebSocket channels: each message begins with its channel's number, and the first of each
 * channel is the port. Source: k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go. @kubernetes/client-node speaks it as well,
 * but reads without waiting for whoever it writes to.
 */
const PROTOCOL = 'v4.channel.k8s.io'
const [DATA, ERROR] = [0, 1]
const PORT_BYTES = 2
/** The protocol can't say that nothing more will be written. A client that has ended may still be waiting for an answer: so long, in milliseconds, the pod may be silent. */
const SILENCE_MS = 1000

export interface PodAddress {
  namespace: string
  pod: string
  port: number
}

/** A connection to a port of a pod. @throws ApiError where the API server refuses, OpsError 5 when there is no answer, 130 */
export async function dialPod(
  rest: Pick<Rest, 'socket'>,
  { namespace, pod, port }: PodAddress,
  signal?: AbortSignal,
): Promise<Duplex> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`
  return new PodStream(await rest.socket(path, PROTOCOL, signal), `port ${port} of ${namespace}/Pod/${pod}`)
}

class PodStream extends Duplex {
  readonly #socket: WebSocket
  readonly #what: string
  /** Channels that have said their port. */
  readonly #begun = new Set<number>()
  #heard = performance.now()
  #said = ''

  constructor(socket: WebSocket, what: string) {
    super()
    this.#socket = socket
    this.#what = what
    socket.on('message', (message: Buffer) => this.#receive(message))
    socket.on('error', error => this.destroy(this.#failure(error.message, error)))
    socket.on('close', () => (this.#said === '' ? this.push(null) : this.destroy(this.#failure(this.#said))))
  }

  #failure(reason: string, cause?: unknown): Error {
    return external(`${this.#what}: ${reason}`, '`./taskw verify` says whether its pod is healthy', cause)
  }

  #receive(message: Buffer): void {
    const [channel = ERROR] = message
    const isFirst = !this.#begun.has(channel)
    this.#begun.add(channel)
    const data = message.subarray(isFirst ? 1 + PORT_BYTES : 1)
    if (data.length === 0) return
    if (channel === ERROR) this.#said += data.toString()
    else if (channel === DATA) {
      this.#heard = performance.now()
      if (!this.push(data)) this.#socket.pause()
    }
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.from([DATA]), chunk]), error => done(error))
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#heard = performance.now()
    const timer = setInterval(() => {
      if (this.#socket.isPaused || performance.now() - this.#heard < SILENCE_MS) return
      this.#socket.close(1000)
    }, SILENCE_MS / 4)
    this.#socket.once('close', () => clearInterval(timer))
    if (this.#socket.readyState === this.#socket.CLOSED) clearInterval(timer)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.terminate()
    done(error)
  }
}
