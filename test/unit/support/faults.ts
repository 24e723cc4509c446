import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What a service that is not well does with a connection. */
const faults: Record<string, (socket: Socket) => void> = {
  'accepts and never answers': socket => socket.resume(),
  'talks nonsense': socket => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{"a": nu')),
  'talks no HTTP': socket => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
  'cuts the connection': socket => socket.once('data', () => socket.resetAndDestroy()),
  'cuts its answer': socket =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 70\r\n\r\n{"na', () => socket.resetAndDestroy()),
    ),
}

/** A service on a loopback port that fails like this for as long as `work` takes. */
export async function withFault(fault: string, work: (url: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    faults[fault]?.(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  if (fault === 'refuses') close()
  try {
    await work(`http://127.0.0.1:${port}`)
  } finally {
    close()
  }
}

/** Every way in which a service may fail. */
export const failingServices = ['refuses', ...Object.keys(faults)]
