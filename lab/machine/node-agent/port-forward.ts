import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WebSocket } from 'ws'
import { type SpdyStream, serveSpdy } from './spdy.ts'

/**
 * The protocols of port-forward over WebSocket: each message begins with the number of its channel, two for each port.
 * Source: k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go
 */
export const FORWARD_PROTOCOLS: readonly string[] = ['v4.channel.k8s.io']
const [DATA, ERROR] = [0, 1]
const LARGEST_PORT = 0xffff

/** What kubectl asks for, in place of a WebSocket. Source: k8s.io/kubelet/pkg/cri/streaming/portforward/httpstream.go */
export const SPDY = { upgrade: 'SPDY/3.1', protocol: 'portforward.k8s.io' } as const

/** What a port is forwarded to. */
export interface ForwardTarget {
  /** Of the pod's sandbox, as messages call it. */
  sandbox: string
  /** Where something in the pod may listen on that port; undefined where nothing does. */
  addressOf(port: number): string | undefined
}

/** The ports of a request. @throws Error for what is no list of ports, in the kubelet's words */
export function portsOf(query: URLSearchParams): number[] {
  const texts = query.getAll('port')
  if (texts.length === 0) throw new Error('query parameter "port" is required')
  return texts.flatMap(text => {
    if (text === '') throw new Error('query parameter "port" cannot be empty')
    return text.split(',').map(part => {
      const port = /^\d+$/.test(part) ? Number(part) : Number.NaN
      if (!(port <= LARGEST_PORT)) throw new Error(`unable to parse "${text}" as a port: "${part}" is not a 16-bit number`)
      if (port < 1) throw new Error(`port "${text}" must be > 0`)
      return port
    })
  })
}

/** Forwards each port over its two channels, until the client leaves or every connection has ended. */
export async function serveForward(connection: WebSocket, ports: readonly number[], target: ForwardTarget): Promise<void> {
  // What the client says at once waits until there is whom to tell.
  connection.pause()
  const sockets = new Map<number, Socket>()
  const open = async (port: number, pair: number): Promise<void> => {
    const [data, error] = [pair * 2 + DATA, pair * 2 + ERROR]
    const own = Buffer.alloc(2)
    own.writeUInt16LE(port)
    for (const channel of [data, error]) await send(connection, channel, own)
    const host = target.addressOf(port)
    const socket = host === undefined ? undefined : await opened(host, port)
    if (socket) sockets.set(data, socket)
    else await send(connection, error, Buffer.from(refusal(port, target.sandbox)))
  }
  const carry = async ([channel, socket]: [number, Socket]): Promise<void> => {
    try {
      for await (const chunk of socket) await send(connection, channel, chunk)
    } catch {
      // One of the two ends is gone.
    }
  }
  const leave = () => {
    for (const socket of sockets.values()) socket.destroy()
  }
  connection.once('close', leave).once('error', leave)
  connection.on('message', (message: Buffer) => {
    const socket = sockets.get(message[0] ?? ERROR)
    if (!socket || socket.write(message.subarray(1))) return
    connection.pause()
    const go = () => connection.resume()
    socket.once('drain', go).once('close', go)
  })

  await Promise.all(ports.map(open))
  connection.resume()
  await Promise.all([...sockets].map(carry))
  connection.close(1000)
}

/** The same by SPDY: a pair of streams for each connection, the first of them for errors, which the client names alike. */
export async function serveSpdyForward(socket: Duplex, head: Buffer, target: ForwardTarget): Promise<void> {
  const errors = new Map<string, SpdyStream>()
  await serveSpdy(socket, head, stream => {
    const id = stream.headers.get('requestid') ?? ''
    if (stream.headers.get('streamtype') === 'error') {
      errors.set(id, stream)
      stream.resume().once('close', () => errors.delete(id))
    } else void forwardStream(stream, errors.get(id), target)
  })
}

async function forwardStream(data: SpdyStream, error: SpdyStream | undefined, target: ForwardTarget): Promise<void> {
  const port = Number(data.headers.get('port'))
  const host = target.addressOf(port)
  const socket = host === undefined ? undefined : await opened(host, port, true)
  if (!socket) {
    error?.end(refusal(port, target.sandbox))
    data.resume().end()
    return
  }
  // Either way may end before the other.
  await Promise.allSettled([pipeline(data, socket, { end: true }), pipeline(socket, data, { end: true })])
  error?.end()
}

const send = (connection: WebSocket, channel: number, data: Buffer): Promise<void> =>
  new Promise(resolve => connection.send(Buffer.concat([Buffer.from([channel]), data]), () => resolve()))

/** @returns undefined where nothing listens */
async function opened(host: string, port: number, allowHalfOpen = false): Promise<Socket | undefined> {
  const socket = connect({ host, port, allowHalfOpen })
  try {
    await once(socket, 'connect')
    return socket.on('error', () => undefined)
  } catch {
    return undefined
  }
}

/** As containerd says it. Source: internal/cri/server/sandbox_portforward_linux.go */
function refusal(port: number, sandbox: string): string {
  const refused = (network: string, host: string) => `dial ${network} ${host}:${port}: connect: connection refused`
  const attempts = `IPv4: ${refused('tcp4', '127.0.0.1')} IPv6 ${refused('tcp6', '[::1]')}`
  const inside = `failed to connect to localhost:${port} inside namespace "${sandbox}", ${attempts} `
  const why = `failed to execute portforward in network namespace "/var/run/netns/cni-${sandbox}": ${inside}`
  return `error forwarding port ${port} to pod ${sandbox}, uid : ${why}`
}
