import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { connectSuccessFrame, dataFrame, parseFrame, SUBPROTOCOL } from '../../../lab/google/iap/frames.ts'

export interface Relay {
  url: string
  /** Of each connection, in order. */
  tokens: string[]
  /** Connections that are open. */
  sockets: Set<WebSocket>
  close(): Promise<void>
}

/** An IAP relay whose machines say their names to whoever connects, and then whatever they hear. It refuses the token `wrong`. */
export async function startRelay(): Promise<Relay> {
  const tokens: string[] = []
  const sockets = new Set<WebSocket>()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL })
  server.on('connection', (socket, { url = '', headers }) => {
    const token = headers.authorization?.slice('Bearer '.length) ?? ''
    tokens.push(token)
    if (token === 'wrong') return socket.close(4033, 'not authorized')
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.send(connectSuccessFrame('sid'))
    socket.send(dataFrame(Buffer.from(`${new URL(url, 'ws://relay').searchParams.get('instance')}:`)))
    socket.on('message', (bytes: Buffer) => {
      const frame = parseFrame(bytes)
      if (frame.tag === 'data') socket.send(dataFrame(frame.data))
    })
  })
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens,
    sockets,
    async close() {
      for (const socket of server.clients) socket.terminate()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
