import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { join } from './forwarding.ts'
import { readLine } from './network.ts'

/**
 * Connects its clients to machines: a client sends `<ip>:<port>\n`, reads `ok\n` or `error <message>\n`, and after that the bytes of the
 * connection.
 */
export const createDialer = (): Server =>
  createServer({ allowHalfOpen: true }, client => {
    answerDial(client).catch(() => client.destroy())
  })

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
