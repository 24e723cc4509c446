import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readIfExists } from '../../lib/runtime/files.ts'
import { goneWithin, isAlive, type ProcessId, run, signal } from './process.ts'
import { releaseSockets, socketPath } from './sockets.ts'

/** GCE's range for us-east1 in an auto mode network; the lab's gateway also answers for the registry and git. */
export const GATEWAY = '10.142.0.1'
export const PREFIX_LENGTH = 20
export const METADATA = '169.254.169.254'
export const BRIDGE = 'lab0'

const forwarderProgram = fileURLToPath(new URL('./forwarder.ts', import.meta.url))

/** The lab's network: a namespace of its own, so that nothing of it shows on the host. */
export interface Network {
  /** Name of the network namespace. */
  namespace: string
  ensure(): Promise<void>
  remove(): Promise<void>
  dial(address: string, port: number): Promise<Duplex>
}

/** Each lab has its own, so that several checkouts' labs can be up at once. @param lab its absolute path */
export const namespaceOf = (lab: string): string => `threads-lab-${createHash('sha256').update(lab).digest('hex').slice(0, 8)}`

export function createNetwork(lab: string): Network {
  const namespace = namespaceOf(lab)
  const runDirectory = join(lab, 'run')
  const recordFile = join(runDirectory, 'forwarder.json')
  const inside = (...args: string[]) => run('ip', ['-n', namespace, ...args])
  let ensuring: Promise<void> | undefined

  async function ensure(): Promise<void> {
    await mkdir(runDirectory, { recursive: true })
    if (!(await exists(namespace))) await tolerate(run('ip', ['netns', 'add', namespace]), 'File exists')
    await ensureBridge(inside)
    await ensureForwarder()
  }

  async function ensureForwarder(): Promise<void> {
    const recorded = await forwarder()
    if (recorded && isAlive(recorded) && (await answers(runDirectory))) return
    if (recorded) {
      signal(recorded, 'SIGKILL')
      await goneWithin([recorded], 5_000)
    }
    await mkdir(join(lab, 'logs'), { recursive: true })
    const log = await open(join(lab, 'logs', 'forwarder.log'), 'a', 0o600)
    try {
      const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, forwarderProgram], {
        cwd: runDirectory,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      })
      child.on('error', () => undefined)
      child.unref()
    } finally {
      await log.close()
    }
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await answers(runDirectory)) return
      await sleep(50)
    }
    throw new Error(`the lab's forwarder does not answer; see ${join(lab, 'logs', 'forwarder.log')}`)
  }

  async function forwarder(): Promise<ProcessId | undefined> {
    const text = await readIfExists(recordFile)
    return text ? (JSON.parse(text) as ProcessId) : undefined
  }

  async function remove(): Promise<void> {
    const recorded = await forwarder()
    if (recorded) {
      signal(recorded, 'SIGTERM')
      if (!(await goneWithin([recorded], 2_000))) signal(recorded, 'SIGKILL')
      await goneWithin([recorded], 2_000)
    }
    releaseSockets(runDirectory)
    await rm(recordFile, { force: true })
    await rm(join(runDirectory, 'dial.sock'), { force: true })
    if (await exists(namespace)) await run('ip', ['netns', 'delete', namespace])
    await removeMountOfNames()
  }

  return {
    namespace,
    // Two machines powered on at once must not each make the bridge.
    ensure: () => {
      ensuring ??= ensure().finally(() => {
        ensuring = undefined
      })
      return ensuring
    },
    remove,
    dial: (address, port) => dial(runDirectory, address, port),
  }
}

async function exists(namespace: string): Promise<boolean> {
  const names = await readdir('/run/netns').catch((): string[] => [])
  return names.includes(namespace)
}

async function ensureBridge(inside: (...args: string[]) => Promise<string>): Promise<void> {
  const links = JSON.parse((await inside('-json', 'address', 'show')) || '[]') as {
    ifname: string
    flags: string[]
    addr_info: { local: string }[]
  }[]
  const bridge = links.find(link => link.ifname === BRIDGE)
  if (!bridge) await tolerate(inside('link', 'add', BRIDGE, 'type', 'bridge'), 'File exists')
  for (const [address, length] of [
    [GATEWAY, PREFIX_LENGTH],
    [METADATA, 32],
  ] as const) {
    if (bridge?.addr_info.some(({ local }) => local === address)) continue
    await tolerate(inside('address', 'add', `${address}/${length}`, 'dev', BRIDGE), 'already assigned')
  }
  for (const name of ['lo', BRIDGE]) {
    const up = links.find(link => link.ifname === name)?.flags.includes('UP')
    if (!up) await inside('link', 'set', name, 'up')
  }
}

/** `ip netns add` mounts /run/netns on itself and never takes that back; the last namespace's owner can. */
async function removeMountOfNames(): Promise<void> {
  const left = await readdir('/run/netns').catch(() => ['unknown'])
  if (left.length > 0) return
  await run('umount', ['/run/netns']).catch(() => undefined)
}

async function tolerate(command: Promise<unknown>, expected: string): Promise<void> {
  try {
    await command
  } catch (error) {
    if (!String(error).includes(expected)) throw error
  }
}

async function answers(runDirectory: string): Promise<boolean> {
  try {
    const socket = await connect(runDirectory)
    socket.destroy()
    return true
  } catch {
    return false
  }
}

function connect(runDirectory: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: socketPath(runDirectory, 'dial.sock'), allowHalfOpen: true })
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

async function dial(runDirectory: string, address: string, port: number): Promise<Duplex> {
  const socket = await connect(runDirectory)
  socket.write(`${address}:${port}\n`)
  const answer = await readLine(socket)
  if (answer === 'ok') return socket
  socket.destroy()
  throw new Error(answer.replace(/^error /, '') || `the lab's forwarder hung up on ${address}:${port}`)
}

/** The line up to the first newline; what follows it stays in the stream. */
export function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const onReadable = () => {
      for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null) {
        received = Buffer.concat([received, chunk])
        const end = received.indexOf(10)
        if (end < 0) continue
        finish()
        const rest = received.subarray(end + 1)
        if (rest.length > 0) socket.unshift(rest)
        resolve(received.toString('utf8', 0, end))
        return
      }
    }
    const onEnd = () => {
      finish()
      resolve(received.toString())
    }
    const onError = (error: Error) => {
      finish()
      reject(error)
    }
    const finish = () => {
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError)
    }
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError)
  })
}
