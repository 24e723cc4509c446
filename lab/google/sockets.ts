import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { precondition, systemCode } from '../../lib/runtime/errors.ts'

/** Listening on Unix sockets, whose files survive a crash, and on ports, which are kept if possible. */

/** @throws OpsError 4 when another process listens there */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (await answers(path)) {
    throw precondition(`another process already listens on ${path}`, 'stop it first: `./taskw lab:down`')
  }
  await rm(path, { force: true })
  server.listen(path)
  await once(server, 'listening')
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ECONNREFUSED') return false
    throw error
  } finally {
    socket.destroy()
  }
}

/** Listens on loopback, on the wanted port or, when that is taken, on any other. @returns the port */
export async function listenOnPort(server: Server, wanted: number): Promise<number> {
  try {
    server.listen(wanted, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE' || wanted === 0) throw error
    return listenOnPort(server, 0)
  }
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('a TCP server has no port')
  return address.port
}
