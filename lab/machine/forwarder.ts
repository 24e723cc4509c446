/**
 * Connects one of the lab's networks with Unix sockets. It runs in the network's namespace, whose name is its argument.
 * Connections from machines go to the sockets in the lab's run directory: metadata server, registry, git. For connections to
 * machines it listens on `dial.sock` in the working directory, the network's own: a client sends `<ip>:<port>\n`, reads `ok\n`
 * or `error <message>\n`, and after that the bytes of the connection.
 */
import { rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { METADATA, readLine, SERVICES } from './network.ts'
import { proxyHeader } from './proxy-protocol.ts'

const [, , namespace = ''] = process.argv
/** The metadata server identifies the instance by network and source address. */
const header = ({ remoteAddress = '' }: Socket) => proxyHeader({ namespace, address: remoteAddress })

const services = [
  { address: METADATA, port: 80, socket: '../../metadata.sock', header },
  { address: SERVICES, port: 5000, socket: '../../registry.sock' },
  { address: SERVICES, port: 80, socket: '../../git.sock' },
]

function join(one: Socket, other: Socket): void {
  one.pipe(other)
  other.pipe(one)
  one.on('error', () => other.destroy()).on('close', () => other.destroySoon())
  other.on('error', () => one.destroy()).on('close', () => one.destroySoon())
}

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function answerDial(client: Socket): Promise<void> {
  client.on('error', () => client.destroy())
  const [, host, port] = /^([\d.]+):(\d+)$/.exec(await readLine(client)) ?? []
  if (!host || !port) {
    client.end('error expected <ip>:<port>\n')
    return
  }
  const target = createConnection({ host, port: Number(port), allowHalfOpen: true })
  const refuse = (error: Error) => client.end(`error ${error.message}\n`)
  target.once('error', refuse)
  target.once('connect', () => {
    target.off('error', refuse)
    client.write('ok\n')
    join(client, target)
  })
  client.once('close', () => target.destroy())
}

async function main(): Promise<void> {
  for (const { address, port, socket, header } of services) {
    const server = createServer({ allowHalfOpen: true }, machine => {
      const service = createConnection({ path: socket, allowHalfOpen: true })
      if (header) service.write(header(machine))
      join(machine, service)
    })
    // Only one forwarder can listen on these addresses, so it may replace a socket that a crash has left.
    await listen(server, { host: address, port })
  }
  rmSync('dial.sock', { force: true })
  await listen(
    createServer({ allowHalfOpen: true }, client => {
      answerDial(client).catch(() => client.destroy())
    }),
    { path: 'dial.sock' },
  )
}

await main()
