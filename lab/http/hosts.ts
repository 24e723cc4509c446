import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** By which clients on this host know a server on a loopback port. */
export const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]']

/** Whether a `Host` header has one of these names, on any port. */
export function isKnownHost(header: string | undefined, names: readonly string[]): boolean {
  const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:\s]+)(?::\d+)?$/i.exec(header ?? '') ?? []
  return names.includes(name.toLowerCase())
}

/**
 * Lets a server answer only who asks for it by one of its names. Otherwise a website whose name is made to lead to loopback could use
 * the reader's browser to ask it (DNS rebinding): the browser takes what it answers for the website's own.
 */
export function onlyFor<S extends Server>(names: readonly string[], server: S): S {
  const isKnown = ({ headers }: IncomingMessage) => isKnownHost(headers.host, names)
  const handlers = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    if (isKnown(message)) for (const handler of handlers) handler.call(server, message, response)
    else response.writeHead(MISDIRECTED, { 'content-type': 'text/plain', connection: 'close' }).end(EXPLANATION)
  })
  const upgrades = server.listeners('upgrade')
  if (upgrades.length === 0) return server
  server.removeAllListeners('upgrade')
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isKnown(message)) for (const handler of upgrades) handler.call(server, message, socket, head)
    else socket.on('error', () => socket.destroy()).end(REFUSED_UPGRADE)
  })
  return server
}

/** https://www.rfc-editor.org/rfc/rfc9110#status.421 */
const MISDIRECTED = 421
const EXPLANATION = 'The lab does not know the host in this request.\n'
const REFUSED_UPGRADE = `HTTP/1.1 ${MISDIRECTED} Misdirected Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
