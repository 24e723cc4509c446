import { Duplex } from 'node:stream'
import type WebSocket from 'ws'
import { external, messageOf } from '../runtime/errors.ts'
import type { Rest } from './rest.ts'

/**
 * Exec by the Kubernetes API, as WebSocket channels: each message begins with its channel's number. Only v5 can say that the input has
 * ended; API servers speak it since 1.30. Source: k8s.io/apimachinery/pkg/util/remotecommand/constants.go.
 * @kubernetes/client-node speaks it as well, but reads without waiting for whoever it writes to.
 */
const PROTOCOL = 'v5.channel.k8s.io'
const [STDIN, STDOUT, STDERR, STATUS, CLOSE] = [0, 1, 2, 3, 255]
/** What is kept of the program's standard error, its end; in characters. */
const KEPT = 4000

export interface PodCommand {
  namespace: string
  pod: string
  container: string
  /** Program and arguments: no shell reads them. */
  command: readonly string[]
}

/**
 * A program in a container: what is written is its standard input, what is read its standard output. The output ends only once the
 * program has ended with 0; otherwise the stream fails, with the program's last words. Either side waits for the slower one.
 * @throws ApiError where the API server refuses, OpsError 5 when there is no answer, 130
 */
export async function execInPod(
  rest: Pick<Rest, 'socket'>,
  { namespace, pod, container, command }: PodCommand,
  signal?: AbortSignal,
): Promise<Duplex> {
  const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true', stderr: 'true' })
  for (const word of command) query.append('command', word)
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query}`
  return new Execution(await rest.socket(path, PROTOCOL, signal), `${command[0]} in ${namespace}/Pod/${pod}`, signal)
}

/** What the API server says at the end: https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Status */
interface Status {
  status?: string
  message?: string
  details?: { causes?: { reason?: string; message?: string }[] }
}

class Execution extends Duplex {
  readonly #socket: WebSocket
  readonly #what: string
  #words = ''
  #status = ''

  constructor(socket: WebSocket, what: string, signal?: AbortSignal) {
    super({ ...(signal && { signal }) })
    this.#socket = socket
    this.#what = what
    socket.on('message', (message: Buffer) => this.#receive(message))
    socket.on('error', error => this.destroy(this.#failure(error.message, error)))
    socket.on('close', () => this.#end())
  }

  #failure(reason: string, cause?: unknown): Error {
    const words = this.#words.trim()
    return external(
      `${this.#what}: ${reason}${words && `: ${words}`}`,
      'run it again; `./taskw verify` says whether its pod is healthy',
      cause,
    )
  }

  #receive(message: Buffer): void {
    const data = message.subarray(1)
    if (data.length === 0) return
    const [channel] = message
    if (channel === STDERR) this.#words = (this.#words + data.toString()).slice(-KEPT)
    else if (channel === STATUS) this.#status += data.toString()
    else if (channel === STDOUT && !this.push(data)) this.#socket.pause()
  }

  #end(): void {
    if (this.destroyed) return
    const reason = failureIn(this.#status)
    if (reason === undefined) this.push(null)
    else this.destroy(this.#failure(reason))
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat([Buffer.from([STDIN]), chunk]), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(Buffer.from([CLOSE, STDIN]), done)
  }

  /** A program that has ended takes no more: what it says of that comes with its status. */
  #send(message: Buffer, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === this.#socket.OPEN)
      this.#socket.send(message, error => done(error && this.#failure(messageOf(error), error)))
    else done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.terminate()
    done(error)
  }
}

/** Why a program has failed; undefined where it ended with 0. */
function failureIn(said: string): string | undefined {
  if (said === '') return 'the connection was lost before it ended'
  const { status, message, details } = statusIn(said)
  if (status === 'Success') return undefined
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  return code === undefined ? (message ?? said) : `ended with exit code ${code}`
}

function statusIn(said: string): Status {
  try {
    const status: unknown = JSON.parse(said)
    return typeof status === 'object' && status !== null ? status : { message: said }
  } catch {
    return { message: said }
  }
}
