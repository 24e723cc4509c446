import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeAtomically } from '../../lib/runtime/files.ts'
import type { ProcessId } from '../../lib/runtime/processes.ts'
import { readRecord } from '../state/stored.ts'
import { goneWithin, processesWith, run, signal } from './process.ts'
import { releaseSockets, socketPath } from './sockets.ts'
import type { Subnet } from './types.ts'

export const METADATA = '169.254.169.254'
/**
 * The address of the lab's git server and registry for machines; link-local, since any other might exist in a user's network.
 */
export const SERVICES = '169.254.169.253'
export const BRIDGE = 'lab0'

const forwarderProgram = fileURLToPath(new URL('./forwarder.ts', import.meta.url))

/** A network of machines: a network namespace, invisible to the host and to other networks. */
export interface Network {
  /** Name of the network namespace. */
  namespace: string
  /** Creates what is missing. @param subnet a subnet whose gateway the network needs as well */
  ensure(subnet?: Subnet): Promise<void>
  remove(): Promise<void>
  dial(address: string, port: number): Promise<Duplex>
}

const digest = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length)

/** The prefix of a lab's namespaces: the labs of several checkouts can be up at once. @param lab its absolute path */
export const namespacePrefix = (lab: string): string => `threads-lab-${digest(lab, 8)}-`

export const namespaceOf = (lab: string, network: string): string => `${namespacePrefix(lab)}${digest(network, 8)}`

const folderOf = (lab: string): string => join(lab, 'run/networks')

/** The networks created in a lab, by their ids, each with its forwarder if that is running. */
export async function recordedNetworks(lab: string): Promise<Map<string, ProcessId | undefined>> {
  const found = new Map<string, ProcessId | undefined>()
  for (const name of await readdir(folderOf(lab)).catch((): string[] => [])) {
    const { id } = (await readRecord<{ id: string }>(join(folderOf(lab), name, 'network.json'))) ?? {}
    if (typeof id === 'string') found.set(id, forwardersOf(namespaceOf(lab, id))[0])
  }
  return found
}

/** Removes all of a lab's networks, recorded or not. */
export async function removeNetworks(lab: string): Promise<void> {
  for (const id of (await recordedNetworks(lab)).keys()) await createNetwork(lab, id).remove()
  for (const name of await namespaces()) {
    if (!name.startsWith(namespacePrefix(lab))) continue
    await endForwarders(name)
    await run('ip', ['netns', 'delete', name])
  }
  await rm(folderOf(lab), { recursive: true, force: true })
  await removeMountOfNames()
}

/** @param id as `projects/<project>/global/networks/<name>` */
export function createNetwork(lab: string, id: string): Network {
  const namespace = namespaceOf(lab, id)
  const directory = join(folderOf(lab), digest(id, 8))
  const inside = (...args: string[]) => run('ip', ['-n', namespace, ...args])
  let ensuring: Promise<void> = Promise.resolve()

  async function ensure(subnet?: Subnet): Promise<void> {
    await mkdir(directory, { recursive: true })
    await writeAtomically(join(directory, 'network.json'), JSON.stringify({ id }))
    if (!(await namespaces()).includes(namespace)) await tolerate(run('ip', ['netns', 'add', namespace]), 'File exists')
    await ensureBridge(inside, subnet)
    await ensureForwarder()
  }

  async function ensureForwarder(): Promise<void> {
    if (forwardersOf(namespace).length > 0 && (await answers(directory))) return
    await endForwarders(namespace)
    await mkdir(join(lab, 'logs'), { recursive: true })
    const log = await open(join(lab, 'logs', 'forwarder.log'), 'a', 0o600)
    try {
      const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, forwarderProgram, namespace], {
        cwd: directory,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      })
      child.on('error', () => undefined)
      child.unref()
    } finally {
      await log.close()
    }
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await answers(directory)) return
      await sleep(50)
    }
    throw new Error(`the lab's forwarder does not answer; see ${join(lab, 'logs', 'forwarder.log')}`)
  }

  async function remove(): Promise<void> {
    await endForwarders(namespace)
    releaseSockets(directory)
    if ((await namespaces()).includes(namespace)) await run('ip', ['netns', 'delete', namespace])
    await rm(directory, { recursive: true, force: true })
    await removeMountOfNames()
  }

  return {
    namespace,
    // Two machines powered on at the same time must not both create the bridge.
    ensure: subnet => {
      const done = ensuring.then(() => ensure(subnet))
      ensuring = done.catch(() => undefined)
      return done
    },
    remove,
    dial: (address, port) => dial(directory, address, port),
  }
}

/** A network's forwarder, found by the namespace on its command line. */
const forwardersOf = (namespace: string): ProcessId[] =>
  processesWith('cmdline', words => words.includes(forwarderProgram) && words.includes(namespace))

/** A forwarder has no state to save, so it is killed. */
async function endForwarders(namespace: string): Promise<void> {
  const processes = forwardersOf(namespace)
  for (const id of processes) signal(id, 'SIGKILL')
  await goneWithin(processes, 5_000)
}

const namespaces = (): Promise<string[]> => readdir('/run/netns').catch(() => [])

async function ensureBridge(inside: (...args: string[]) => Promise<string>, subnet: Subnet | undefined): Promise<void> {
  const links = JSON.parse((await inside('-json', 'address', 'show')) || '[]') as {
    ifname: string
    flags: string[]
    addr_info: { local: string }[]
  }[]
  const bridge = links.find(link => link.ifname === BRIDGE)
  if (!bridge) await tolerate(inside('link', 'add', BRIDGE, 'type', 'bridge'), 'File exists')
  const addresses = [[METADATA, 32], [SERVICES, 32], ...(subnet ? [[subnet.gateway, subnet.prefixLength]] : [])] as [
    string,
    number,
  ][]
  for (const [address, length] of addresses) {
    if (bridge?.addr_info.some(({ local }) => local === address)) continue
    await tolerate(inside('address', 'add', `${address}/${length}`, 'dev', BRIDGE), 'already assigned')
  }
  for (const name of ['lo', BRIDGE]) {
    const up = links.find(link => link.ifname === name)?.flags.includes('UP')
    if (!up) await inside('link', 'set', name, 'up')
  }
}

/** `ip netns add` mounts /run/netns on itself and never unmounts it; the owner of the last namespace can do that. */
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

async function answers(directory: string): Promise<boolean> {
  try {
    const socket = await connect(directory)
    socket.destroy()
    return true
  } catch {
    return false
  }
}

function connect(directory: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: socketPath(directory, 'dial.sock'), allowHalfOpen: true })
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

async function dial(directory: string, address: string, port: number): Promise<Duplex> {
  const socket = await connect(directory)
  socket.write(`${address}:${port}\n`)
  const answer = await readLine(socket)
  if (answer === 'ok') return socket
  socket.destroy()
  throw new Error(answer.replace(/^error /, '') || `the lab's forwarder hung up on ${address}:${port}`)
}

/** In bytes. */
const LONGEST_LINE = 2 ** 16

/** Reads up to the first newline; what follows stays in the stream. */
export function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const onReadable = () => {
      for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null) {
        received = Buffer.concat([received, chunk])
        const end = received.indexOf(10)
        if (end < 0 && received.length <= LONGEST_LINE) continue
        finish()
        if (end < 0) return reject(new Error('a line that does not end'))
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
