/**
 * Connects one of the lab's networks with Unix sockets. It runs in the network's namespace, whose name is its argument.
 * Connections from machines go to the sockets in the lab's run directory: metadata server, registry, git. For connections to
 * machines it listens on `dial.sock` in the working directory, the network's own.
 */
import { rmSync } from 'node:fs'
import { createConnection, type Server, type Socket } from 'node:net'
import { createDialer } from './dialer.ts'
import { createForwarder } from './forwarding.ts'
import { METADATA, SERVICES } from './network.ts'
import { proxyHeader } from './proxy-protocol.ts'

const [, , namespace = ''] = process.argv
/** The metadata server identifies the instance by network and source address. */
const header = ({ remoteAddress = '' }: Socket) => proxyHeader({ namespace, address: remoteAddress })

const services = [
  { address: METADATA, port: 80, socket: '../../metadata.sock', header },
  { address: SERVICES, port: 5000, socket: '../../registry.sock' },
  { address: SERVICES, port: 80, socket: '../../git.sock' },
]

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function main(): Promise<void> {
  for (const { address, port, socket, header } of services) {
    const server = createForwarder(machine => {
      const service = createConnection({ path: socket, allowHalfOpen: true })
      if (header) service.write(header(machine))
      return service
    })
    // Only one forwarder can listen on these addresses, so it may replace a socket that a crash has left.
    await listen(server, { host: address, port })
  }
  rmSync('dial.sock', { force: true })
  await listen(createDialer(), { path: 'dial.sock' })
}

await main()
