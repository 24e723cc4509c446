import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { precondition, systemCode } from '../../lib/runtime/errors.ts'

/** Unix sockets that survive a crash as files, and ports that are better kept. */

/** @throws OpsError 4 when another process listens there. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (await answers(path)) {
    throw precondition(`another process already listens on ${path}`, 'stop it first: task lab:down')
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

/** Listens on loopback: on the wanted port, or on any other when that is taken. @returns the port */
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
