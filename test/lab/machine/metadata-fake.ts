import { rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { parseProxyHeader } from '../../../lab/machine/proxy-protocol.ts'
import { socketPath } from '../../../lab/machine/sockets.ts'

export interface Instance {
  id: string
  attributes: Record<string, string>
  preempted?: 'TRUE'
}

/** A metadata server with one instance's content, on the lab's `metadata.sock`; keeps the guest attributes it is sent. */
export async function startMetadata(lab: string, instance: Instance) {
  const guestAttributes = new Map<string, string>()
  const sources = new Set<string>()
  const held = new Set<() => void>()
  let version = 1

  const http = createHttpServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://metadata')
    if (request.method === 'PUT') {
      let body = ''
      for await (const chunk of request) body += chunk
      guestAttributes.set(url.pathname.split('/guest-attributes/')[1] ?? '', body)
      response.end()
      return
    }
    const unchanged = url.searchParams.get('last_etag') === String(version)
    if (url.searchParams.has('wait_for_change') && unchanged) {
      await new Promise<void>(resolve => {
        held.add(resolve)
        response.once('close', resolve)
        setTimeout(resolve, Number(url.searchParams.get('timeout_sec')) * 1000).unref()
      })
    }
    response.setHeader('etag', String(version))
    response.end(JSON.stringify({ instance: { preempted: 'FALSE', ...instance }, project: { attributes: {} } }))
  })

  const server = createServer((socket: Socket) => {
    // A forwarder writes its header at once and whole.
    socket.once('data', (chunk: Buffer) => {
      const header = parseProxyHeader(chunk)
      sources.add(`${header?.peer.namespace} ${header?.peer.address}`)
      socket.pause()
      socket.unshift(chunk.subarray(header?.length))
      http.emit('connection', socket)
      socket.resume()
    })
  })
  rmSync(join(lab, 'run/metadata.sock'), { force: true })
  await new Promise<void>(resolve => server.listen(socketPath(join(lab, 'run'), 'metadata.sock'), resolve))

  return {
    guestAttributes,
    sources,
    /** Changes the instance and tells whoever waits for it. */
    update(change: Partial<Instance>): void {
      Object.assign(instance, change)
      version++
      for (const release of held) release()
      held.clear()
    },
    close(): void {
      http.closeAllConnections()
      server.close()
    },
  }
}
