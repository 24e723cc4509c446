import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, readdir, rm, rmdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { isDiskFull, messageOf } from '../../lib/runtime/errors.ts'
import { root as checkout, readIfExists, writeAtomically } from '../../lib/runtime/files.ts'
import { identify, isAlive, type ProcessId } from '../../lib/runtime/processes.ts'
import { LEAST_ROOM, roomLeft } from '../state/disk-space.ts'
import { makePrivate } from '../state/private.ts'
import { readRecord } from '../state/stored.ts'
import { toolsDirectory } from '../tools/catalog.ts'
import { changedBytes } from './changed-bytes.ts'
import { checkDisk, createDisk, createDiskFromSnapshot, growDisk, readDisk, removeDisk, snapshotDisk } from './disk.ts'
import { BRIDGE, createNetwork, type Network, namespaceOf, recordedNetworks } from './network.ts'
import { goneWithin, processesWith, signal } from './process.ts'
import type { Architecture, Hypervisor, MachineSpec } from './types.ts'

/** A machine that was powered on: `.lab/run/machines/<key>.json`. */
interface Running extends MachineSpec {
  /** The `unshare` process outside; when it dies, so does the machine. */
  supervisor: ProcessId
  /** The machine's first process. */
  init: ProcessId
  bootId: string
  startedAt: string
}

/** The compile cache of the machines' Node; machines can write to it, so nothing else reads it. */
const compiled = join(checkout, '.tools/compiled-in-machines')

const bootProgram = fileURLToPath(new URL('./boot.sh', import.meta.url))
const freezeProgram = fileURLToPath(new URL('./freeze.ts', import.meta.url))

/** @param options.lab the lab's state directory */
export function createHypervisor(options: { lab: string }): Hypervisor {
  const lab = resolve(options.lab)
  const networks = new Map<string, Network>()
  const networkOf = (id: string): Network => {
    const network = networks.get(id) ?? createNetwork(lab, id)
    networks.set(id, network)
    return network
  }
  const machines = join(lab, 'run/machines')
  const recordFile = (id: string) => join(machines, `${key(id)}.json`)
  const mountPoint = (id: string) => join(machines, key(id))
  const consoleFile = (id: string) => join(lab, 'logs', `machine-${id.split('/').reverse().join('.')}.console`)

  async function recorded(id: string): Promise<Running | undefined> {
    return readMachine<Running>(recordFile(id))
  }

  async function running(id: string): Promise<Running | undefined> {
    const machine = await recorded(id)
    return machine && isMachineRunning(machine) ? machine : undefined
  }

  async function userOf(disk: string): Promise<Running | undefined> {
    for (const machine of await recordedMachines<Running>(lab)) {
      if (resolve(machine.disk) === resolve(disk) && isAlive(machine.init)) return machine
    }
    return undefined
  }

  async function assertUnused(disk: string): Promise<void> {
    const user = await userOf(disk)
    if (user) throw new Error(`the disk ${basename(disk)} is in use by ${user.id}`)
  }

  async function powerOn(spec: MachineSpec): Promise<void> {
    if (await running(spec.id)) return
    const { architecture } = await readDisk(spec.disk)
    if (architecture !== 'x86_64')
      throw new Error(`${basename(spec.disk)}: no bootable device: the disk is for ${architecture}`)
    await pullPlug(spec.id)
    await assertUnused(spec.disk)
    await checkDisk(spec.disk)
    if (spec.diskBytes !== undefined) await growDisk(spec.disk, spec.diskBytes)
    await networkOf(spec.network).ensure(spec.subnet)
    for (const folder of [mountPoint(spec.id), compiled, join(lab, 'logs'), toolsDirectory()]) await makePrivate(folder)

    const bootId = randomUUID()
    const startedAt = new Date().toISOString()
    const output = await open(consoleFile(spec.id), 'a', 0o600)
    let supervisor: ChildProcess
    try {
      await output.write(`\n--- ${spec.name} powered on at ${startedAt}\n`)
      supervisor = spawn('unshare', [...UNSHARE, '--', '/bin/sh', bootProgram], {
        detached: true,
        env: { PATH: process.env.PATH, ...bootVariables(spec, bootId) },
        stdio: ['pipe', output.fd, output.fd, 'pipe'],
      })
    } finally {
      await output.close()
    }
    const booted = await boot(supervisor, async (outer, init) => {
      const machine: Running = { ...spec, supervisor: outer, init, bootId, startedAt }
      await writeAtomically(recordFile(spec.id), `${JSON.stringify(machine, null, 2)}\n`)
    })
    if (booted) return
    await pullPlug(spec.id)
    const last = (await consoleOutput(spec.id)).split('\n').findLast(line => line.trim() !== '' && !line.includes('dmesg(1)'))
    throw new Error(`${spec.name} does not boot: ${last}`)
  }

  const bootVariables = (spec: MachineSpec, bootId: string) => ({
    DISK: spec.disk,
    ROOT: mountPoint(spec.id),
    NAME: spec.name,
    BOOT_ID: bootId,
    NETNS: namespaceOf(lab, spec.network),
    BRIDGE,
    PORT: `vm-${key(spec.id)}`,
    MAC: macAddress(spec.address),
    ADDRESS: `${spec.address}/${spec.subnet.prefixLength}`,
    GATEWAY: spec.subnet.gateway,
    NODE: process.execPath,
    CHECKOUT: checkout.replace(/\/$/, ''),
    TOOLS: toolsDirectory(),
    LAB_GOGC: process.env.LAB_GOGC ?? '',
  })

  async function powerOff(id: string, { graceMs = 0 }: { graceMs?: number } = {}): Promise<void> {
    const machine = await running(id)
    if (machine && graceMs > 0) {
      signal(machine.init, 'SIGTERM')
      await goneWithin([machine.init], graceMs)
    }
    await pullPlug(id)
  }

  /** Kills what is left of a machine, running or not. */
  async function pullPlug(id: string): Promise<void> {
    const machine = await recorded(id)
    const left = machine ? [machine.supervisor, machine.init] : supervisors(mountPoint(id))
    for (const process of left) signal(process, 'SIGKILL')
    if (!(await goneWithin(left, 10_000))) throw new Error(`${id} does not power off`)
    await rmdir(mountPoint(id)).catch(() => undefined)
    await rm(recordFile(id), { force: true })
  }

  async function consoleOutput(id: string): Promise<string> {
    return (await readIfExists(consoleFile(id))) ?? ''
  }

  async function snapshot(disk: string, target: string, machineId?: string): Promise<number> {
    const machine = machineId === undefined ? undefined : await running(machineId)
    if (!machine) await assertUnused(disk)
    return await snapshotDisk(disk, target, copy => (machine ? whileFrozen(machine.init, copy) : copy()))
  }

  /** Runs work that writes a lot. On a full disk the kernel may report any error: a failed mount, an I/O error. */
  async function withRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if ((await roomLeft(lab)) >= LEAST_ROOM || isDiskFull(error)) throw error
      throw new Error(`${lab}: no space left on device: ${messageOf(error)}`, { cause: error })
    }
  }

  return {
    repairNetworks: async () => {
      const used = (await recordedMachines<Running>(lab)).filter(({ supervisor }) => isAlive(supervisor))
      const ids = new Set([...(await recordedNetworks(lab)).keys(), ...used.map(({ network }) => network)])
      await Promise.all([...ids].map(id => networkOf(id).ensure()))
    },
    removeNetwork: id => networkOf(id).remove(),
    namespaceOf: id => namespaceOf(lab, id),
    dial: ({ network, address }, port) => networkOf(network).dial(address, port),
    createDisk: async (disk: string, architecture: Architecture, bytes?: number) => {
      await assertUnused(disk)
      await withRoom(() => createDisk(disk, architecture, bytes))
    },
    createDiskFromSnapshot: async (disk, source, bytes) => {
      await assertUnused(disk)
      await withRoom(() => createDiskFromSnapshot(disk, source, bytes))
    },
    deleteDisk: async disk => {
      await assertUnused(disk)
      await removeDisk(disk)
    },
    snapshotDisk: (...of) => withRoom(() => snapshot(...of)),
    snapshotBytes: (of, earlier) => changedBytes(join(of, 'upper'), earlier && join(earlier, 'upper')),
    deleteSnapshot: removeDisk,
    powerOn: spec => withRoom(() => powerOn(spec)),
    powerOff,
    isRunning: async id => (await running(id)) !== undefined,
    pid: async id => (await running(id))?.init.pid,
    consoleOutput,
  }
}

const UNSHARE = ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child=SIGKILL']

/** The part of a powered-on machine's record that other modules need. */
export interface RecordedMachine {
  id: string
  name: string
  address: string
  disk: string
  supervisor: ProcessId
  init: ProcessId
}

/** The machines that were powered on in a lab, alive or not. */
export async function recordedMachines<M extends RecordedMachine>(lab: string): Promise<M[]> {
  const folder = join(lab, 'run/machines')
  const names = (await readdir(folder).catch((): string[] => [])).filter(name => name.endsWith('.json'))
  const found = await Promise.all(names.map(name => readMachine<M>(join(folder, name))))
  return found.filter(machine => machine !== undefined)
}

export const isMachineRunning = ({ supervisor, init }: RecordedMachine): boolean => isAlive(supervisor) && isAlive(init)

/** A record without the machine's processes is incomplete, and counts as missing. */
async function readMachine<M extends RecordedMachine>(file: string): Promise<M | undefined> {
  const machine = await readRecord<M>(file)
  return machine?.id && machine.disk && machine.supervisor && machine.init ? (machine as M) : undefined
}

/**
 * The machines' `unshare` processes, recorded or not, by the mount points of their disks.
 * @param root prefix of the mount points
 */
export const supervisors = (root: string): ProcessId[] =>
  processesWith('environ', words => words.some(word => word.startsWith(`ROOT=${root}`))).filter(({ pid }) => isUnshare(pid))

function isUnshare(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'unshare'
  } catch {
    return false
  }
}

const key = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 8)

/** Like Google's: a fixed prefix, then the IP address. */
const macAddress = (address: string): string =>
  ['42', '01', ...address.split('.').map(part => Number(part).toString(16).padStart(2, '0'))].join(':')

/**
 * Follows boot.sh: records the machine once its processes are known, then lets it continue.
 * @returns whether its first process is running
 */
async function boot(supervisor: ChildProcess, record: (outer: ProcessId, init: ProcessId) => Promise<void>): Promise<boolean> {
  // An `error` event means that `unshare` is missing; the pipe then just ends.
  supervisor.on('error', () => undefined)
  supervisor.stdin?.on('error', () => undefined)
  const reports = createInterface({ input: supervisor.stdio[3] as Readable })
  try {
    for await (const line of reports) {
      if (line === 'running') return true
      const outer = identify(supervisor.pid ?? 0)
      const init = identify(Number(line.replace('pid ', '')))
      if (!outer || !init) break
      await record(outer, init)
      supervisor.stdin?.end('go\n')
    }
    supervisor.kill('SIGKILL')
    return false
  } finally {
    for (const stream of supervisor.stdio) stream?.destroy()
    supervisor.unref()
  }
}

async function whileFrozen(init: ProcessId, work: () => Promise<void>): Promise<void> {
  const freezer = spawn(process.execPath, [freezeProgram, String(init.pid)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolved => freezer.once('close', () => resolved()))
  try {
    await new Promise<void>((frozen, failed) => {
      freezer.once('error', failed)
      freezer.stdout.once('data', () => frozen())
      freezer.once('exit', code => failed(new Error(`could not stop the machine's processes: exit code ${code}`)))
    })
    await work()
  } finally {
    freezer.stdin.end()
    await ended
  }
}
