import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, rmSync } from 'node:fs'
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { external, interrupted, messageOf, type OpsError, precondition, systemCode } from '../runtime/errors.ts'
import { type FarEnd, type FromTunnel, listenTo, ownFolder, send, socketFolders } from './lease.ts'

export interface Tunnel {
  port: number
  /** False while something else listens on the port, and is used. */
  readonly own: boolean
  /** Whether its process does anything at all; false while something else listens on the port. */
  answers(): Promise<boolean>
  /** Frees the port, unless others use the tunnel as well. */
  close(): Promise<void>
}

export interface TunnelOptions {
  leadsTo: FarEnd
  token: () => Promise<string>
  /** Told of what goes wrong in the tunnel's process. */
  heard?: (message: string) => void
  /** Ends the wait for the tunnel to open. */
  signal?: AbortSignal
}

/** How soon after whatever holds the port has ended a tunnel takes its place. In milliseconds. */
const TAKE_OVER_MS = 100
/** Whoever takes the port makes the socket of the leases next; a stranger never does. */
const TRIES = 3
/** What a process that only just starts takes to say where it leads, on a busy machine. In milliseconds. */
const GREETING_MS = 5000
/** What a process whose last lease has ended takes to free the port. In milliseconds. */
const ENDING_MS = 1000
/** Between two starts of a process that ends before it is ready. In milliseconds. */
const RESTART_MS = 1000

const PROCESS = join(import.meta.dirname, 'tunnel-process.ts')

/**
 * Forwards 127.0.0.1:`port` through IAP. One process does so for all runs of this user that want the same: the first one starts it, it
 * ends with the last one, and is started anew when it dies. Any other server on the port, such as gcloud's own tunnel, is used for as
 * long as it lasts, and then this tunnel takes its place: one that leads elsewhere fails the cluster's certificate check.
 * @throws OpsError 4 when the port is that of a tunnel to another VM, 5 when no process can be started, 130
 */
export async function openTunnel(port: number, options: TunnelOptions): Promise<Tunnel> {
  let lease: Lease | undefined = await obtain(port, options, options.signal)

  const closing = new AbortController()
  const { signal } = closing
  const pause = (ms: number) => sleep(ms, undefined, { ref: false, signal }).catch(() => undefined)
  const keep = async () => {
    for (;;) {
      const held = lease
      await (held ? held.ended : pause(TAKE_OVER_MS))
      lease = undefined
      if (held && !held.greeted && !signal.aborted) {
        options.heard?.(`the tunnel's process on port ${port} ended before it was ready`)
        await pause(RESTART_MS)
      }
      if (signal.aborted) return
      // What is wrong with the port is told to whoever uses it.
      lease = await obtain(port, options, signal).catch(() => undefined)
      if (signal.aborted) return lease?.close()
    }
  }
  const kept = keep()
  return {
    port,
    get own() {
      return lease !== undefined
    },
    async answers() {
      if (!lease) return false
      const socket = connect(await socketPathOf(port))
      const greeting = await within(GREETING_MS, leaseOf(socket, options).greeting, options.signal)
      socket.destroy()
      return greeting !== undefined
    },
    async close() {
      closing.abort()
      await lease?.close()
      await kept
    },
  }
}

/** How many ports are tried. */
const CHOICES = 100

/**
 * A port for a tunnel to `leadsTo`: the first from `first` on that is free, or that such a tunnel has already.
 * @param taken ports that are not to be chosen, free as they may be
 * @throws OpsError 4 when none is
 */
export async function choosePort(first: number, leadsTo: FarEnd, taken: readonly number[] = []): Promise<number> {
  for (let port = first; port < first + CHOICES; port++) {
    const there = await farEndOf(port)
    if (there && isDeepStrictEqual(there, leadsTo)) return port
    if (!there && !taken.includes(port) && (await isFree(port))) return port
  }
  throw precondition(
    `no port from ${first} to ${first + CHOICES - 1} of 127.0.0.1 is free`,
    "name another in the environment's file, as access.kubernetes.port",
  )
}

/** Where the tunnel on a port leads, if one of ours is there. */
async function farEndOf(port: number): Promise<FarEnd | undefined> {
  const socket = connect(await socketPathOf(port))
  const { greeting } = leaseOf(socket, { leadsTo: {} as FarEnd, token: () => Promise.reject(new Error('only looking')) })
  const said = await within(GREETING_MS, greeting)
  socket.destroy()
  return said?.leadsTo
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening({ port, host: '127.0.0.1' }).catch(() => undefined)
  server?.close()
  return server !== undefined
}

/** Where leases of the tunnel on a port are to be had. */
async function socketPathOf(port: number): Promise<string> {
  const uid = process.getuid?.() ?? 0
  return join(await ownFolder(socketFolders(process.env.XDG_RUNTIME_DIR, tmpdir(), uid), uid), `tunnel-${port}`)
}

/** A share in a tunnel's process, which lives as long as anybody has one. */
interface Lease {
  /** What it said first, once it has; undefined when it ended without a word. */
  greeting: Promise<Greeting | undefined>
  /** Whether it has said something. */
  readonly greeted: boolean
  ended: Promise<void>
  close(): Promise<void>
}

type Greeting = Extract<FromTunnel, { pid: number }>

/** @returns undefined while something else listens on the port */
async function obtain(port: number, options: TunnelOptions, signal?: AbortSignal): Promise<Lease | undefined> {
  const socketPath = await socketPathOf(port)
  for (let tries = 1; ; tries++) {
    const socket = connect(socketPath)
    const lease = leaseOf(socket, options)
    const greeting = await within(GREETING_MS, lease.greeting, signal)
    if (greeting && isDeepStrictEqual(greeting.leadsTo, options.leadsTo)) return lease
    const hangs = !greeting && !socket.closed
    socket.destroy()
    if (signal?.aborted) throw interrupted(`opening the tunnel on port ${port}: interrupted`, 'run it again')
    if (greeting) throw heldByAnother(port, greeting)
    if (hangs) return undefined
    if (await start(port, socketPath, options.leadsTo)) return leaseOf(connect(socketPath), options)
    if (tries === TRIES) return undefined
    await sleep(TAKE_OVER_MS)
  }
}

function heldByAnother(port: number, { pid, leadsTo: { instance, project, zone, relay } }: Greeting): OpsError {
  return precondition(
    `port ${port} is that of a tunnel to another VM: ${instance} in ${project}, ${zone}, by ${relay} (process ${pid})`,
    'wait until the runs that use it have ended, or give one of the environments another api_local_port, or access.kubernetes.port',
  )
}

function leaseOf(socket: Socket, { leadsTo, token, heard }: TunnelOptions): Lease {
  const greeting = Promise.withResolvers<Greeting | undefined>()
  const ended = new Promise<void>(resolve => socket.once('close', () => resolve()))
  void ended.then(() => greeting.resolve(undefined))
  let said: Greeting | undefined
  listenTo<FromTunnel>(socket, message => {
    if ('leadsTo' in message) {
      said = message
      greeting.resolve(message)
    } else if ('failed' in message) heard?.(message.failed)
    // A token is only for where it belongs.
    else if (isDeepStrictEqual(said?.leadsTo, leadsTo)) {
      token().then(
        given => send(socket, { answers: message.asks, token: given }),
        error => send(socket, { answers: message.asks, failed: messageOf(error) }),
      )
    }
  })
  return {
    greeting: greeting.promise,
    get greeted() {
      return said !== undefined
    },
    ended,
    async close() {
      socket.end()
      await within(ENDING_MS, ended)
      socket.destroy()
    },
  }
}

/** What a promise gives within so many milliseconds; undefined after that, or once the signal aborts. */
async function within<T>(ms: number, promise: Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  const over = new AbortController()
  const ends = AbortSignal.any([over.signal, ...(signal ? [signal] : [])])
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: ends }).catch(() => undefined)])
  } finally {
    over.abort()
  }
}

/**
 * Takes the port, and starts the process that listens there. It gets both sockets as they are, so that whoever connects from now on
 * need not wait for it: it finds them when it is ready.
 * @returns whether the port was free
 */
async function start(port: number, socketPath: string, leadsTo: FarEnd): Promise<boolean> {
  const forward = await listening({ port, host: '127.0.0.1' }).catch(error => {
    throw external(`can't listen on port ${port} of 127.0.0.1: ${messageOf(error)}`, 'may you? is it a valid port?', error)
  })
  if (!forward) return false
  // Nothing may be awaited from here on that takes a turn of the event loop: a connection would be accepted here.
  const made = `${socketPath}.${process.pid}`
  let leases: Server | undefined
  try {
    rmSync(made, { force: true })
    leases = await listening({ path: made })
    if (!leases) throw new Error(`${made} is in use`)
    // In place of what one that was killed has left.
    renameSync(made, socketPath)
    const child = spawn(process.execPath, [PROCESS, socketPath, JSON.stringify(leadsTo)], {
      // Of a session of its own, which no terminal's Ctrl-C or end reaches, and holding no folder.
      detached: true,
      cwd: '/',
      // Nothing secret stays in a process that lives long.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(NODE|SSL_CERT)_/.test(name))),
      stdio: ['ignore', 'ignore', 'ignore', descriptorOf(forward), descriptorOf(leases)],
    })
    child.unref()
    if (child.pid === undefined) throw (await once(child, 'error'))[0]
    return true
  } catch (error) {
    throw external(`the tunnel's process can't be started: ${messageOf(error)}`, 'run it again', error)
  } finally {
    forward.close()
    leases?.close()
  }
}

/** Node has no documented name for it. */
const descriptorOf = (server: Server): number => (server as unknown as { _handle: { fd: number } })._handle.fd

/** @returns undefined when the address is in use */
async function listening(options: ListenOptions): Promise<Server | undefined> {
  const server = createServer()
  try {
    server.listen(options)
    await once(server, 'listening')
    return server
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw error
    return undefined
  }
}
