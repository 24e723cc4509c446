import { messageOf } from '../../../lib/runtime/errors.ts'
import { hasVolume } from '../../machine/disk.ts'
import type { Room } from '../room.ts'
import { machineType } from './catalogue.ts'
import type { Cloud } from './cloud.ts'
import { type Disk, setUsers } from './disk.ts'
import { makeDisk, removeDisk } from './disks.ts'
import { addressOf, bootDiskOf, type Instance, isSpot, machineIdOf, networkOf } from './instance.ts'
import { subnetOf } from './networks.ts'
import { OperationError, type Run } from './operations.ts'
import { lastSegment, pathOfLink, pathOfResource, segmentAfter, timestamp } from './resource.ts'
import { Turns } from './turns.ts'

/** How long Google gives a machine to shut down: when it is stopped, and when it is preempted. */
const STOP_GRACE_MS = 90_000
export const PREEMPTION_GRACE_MS = 30_000

/** Turns instances on and off: what their operations do to the hypervisor's machines, and what happens when a machine dies. */
export class Machines {
  readonly #cloud: Cloud
  readonly #turns = new Turns()
  /** Paths of instances that have received the notice of preemption. */
  readonly #preempted = new Set<string>()

  constructor(cloud: Cloud) {
    this.#cloud = cloud
    const { operations } = cloud
    const works: Record<string, (path: string, run: Run) => Promise<void>> = {
      insert: (path, { given, proceed }) => this.#create(path, given.disks as string[], proceed),
      start: (path, { proceed }) => this.#boot(path, proceed),
      stop: (path, { proceed }) => this.#unlessStopped(path, proceed, () => this.#stop(path, STOP_GRACE_MS)),
      reset: (path, { proceed }) => this.#unlessStopped(path, proceed, () => this.#reset(path)),
      delete: (path, { proceed }) => this.#unlessStopped(path, proceed, () => this.#remove(path)),
      preempted: (path, { given }) => this.#preempt(path, Number(given.graceMs)),
    }
    for (const [name, work] of Object.entries(works)) {
      operations.register(`instances.${name}`, (path, run) => this.#turns.take(path, () => work(path, run)))
    }
  }

  /** Whether the instance has received the notice of preemption. */
  preempted(path: string): boolean {
    return this.#preempted.has(path)
  }

  /** Boots the machines that were running when the lab went down, as Google does after an event on the host. */
  async bootAgain(machineIds: readonly string[]): Promise<void> {
    for (const instance of this.#cloud.all<Instance>('instances')) {
      const path = pathOfResource(instance)
      const machine = machineIdOf(path)
      if (instance.status !== 'RUNNING' || !machineIds.includes(machine)) continue
      if (await this.#cloud.hypervisor.isRunning(machine)) continue
      const type = 'compute.instances.automaticRestart'
      const beginning = { type, work: 'instances.start', target: path, targetId: instance.id, user: 'system' }
      this.#cloud.operations.begin(beginning)
      await this.#cloud.patch<Instance>('instances', path, { status: 'STAGING' })
      await this.#cloud.operations.recorded()
    }
  }

  /** Finds instances whose machine has died by itself, and reports them as Google does. */
  async notice(): Promise<void> {
    for (const instance of this.#cloud.all<Instance>('instances')) {
      const path = pathOfResource(instance)
      if (instance.status !== 'RUNNING' || this.#turns.busy(path)) continue
      if (await this.#cloud.hypervisor.isRunning(machineIdOf(path))) continue
      const now = this.#cloud.find<Instance>('instances', path)
      if (now?.status !== 'RUNNING' || this.#turns.busy(path)) continue
      const type = isSpot(instance) ? 'compute.instances.preempted' : 'compute.instances.guestTerminate'
      this.#cloud.operations.begin({ type, target: path, targetId: instance.id, user: 'system' })
      await this.#terminated(path)
    }
  }

  /**
   * Powers off the running machines when the host's disk is full, as a failing host does. Their disks are sparse files: what a
   * machine believes to be written would be lost later. The reserved space is enough for what they still have in memory.
   */
  async endForRoom(room: Room): Promise<void> {
    for (const instance of this.#cloud.all<Instance>('instances')) {
      const path = pathOfResource(instance)
      const folder = this.#cloud.diskFolder(pathOfLink(bootDiskOf(instance).source))
      if (instance.status !== 'RUNNING' || this.#turns.busy(path) || !(await hasVolume(folder))) continue
      await room.release()
      const event = { type: 'compute.instances.hostError', target: path, targetId: instance.id, user: 'system' }
      this.#cloud.operations.begin(event)
      await this.#turns.take(path, async () => {
        await this.#cloud.hypervisor.powerOff(machineIdOf(path))
        await this.#terminated(path, room.shortage)
      })
    }
  }

  /** Does the work of a stop, unless a fault makes the operation fail: then the instance gets its former status back. */
  async #unlessStopped(path: string, proceed: () => Promise<void>, work: () => Promise<void>): Promise<void> {
    try {
      await proceed()
    } catch (error) {
      const runs = await this.#cloud.hypervisor.isRunning(machineIdOf(path))
      await this.#cloud.patch<Instance>('instances', path, { status: runs ? 'RUNNING' : 'TERMINATED' })
      throw error
    }
    await work()
  }

  async #create(path: string, disks: string[], proceed: () => Promise<void>): Promise<void> {
    try {
      await proceed()
      for (const disk of disks) await makeDisk(this.#cloud, disk)
      await this.#boot(path)
    } catch (error) {
      // An instance whose creation failed disappears.
      await this.#remove(path)
      for (const disk of disks) await removeDisk(this.#cloud, disk)
      throw error
    }
  }

  async #boot(path: string, proceed = async () => {}): Promise<void> {
    const { hypervisor } = this.#cloud
    const machine = machineIdOf(path)
    const instance = this.#cloud.get<Instance>('instances', path)
    const diskPath = pathOfLink(bootDiskOf(instance).source)
    this.#preempted.delete(path)
    if (await hypervisor.isRunning(machine)) return this.#running(path)
    await this.#cloud.patch<Instance>('instances', path, { status: 'STAGING' })
    try {
      await proceed()
      const bootDisk = this.#cloud.get<Disk>('disks', diskPath)
      checkArchitecture(instance, bootDisk)
      await hypervisor.powerOn({
        id: machine,
        name: instance.name,
        network: networkOf(instance),
        subnet: subnetOf(this.#cloud, instance),
        address: addressOf(instance),
        disk: this.#cloud.diskFolder(diskPath),
        diskBytes: Number(bootDisk.sizeGb) * 2 ** 30,
      })
    } catch (error) {
      const failure =
        error instanceof OperationError
          ? error
          : new OperationError('INTERNAL_ERROR', `The machine does not boot: ${messageOf(error)}`)
      await this.#terminated(path, failure.message)
      throw failure
    }
    await this.#running(path)
  }

  async #running(path: string): Promise<void> {
    await this.#cloud.patch<Instance>('instances', path, {
      status: 'RUNNING',
      statusMessage: '',
      lastStartTimestamp: timestamp(),
    })
  }

  /** @param statusMessage the reason, unless the stop was requested */
  async #terminated(path: string, statusMessage = ''): Promise<void> {
    await this.#cloud.patch<Instance>('instances', path, {
      status: 'TERMINATED',
      statusMessage,
      lastStopTimestamp: timestamp(),
    })
  }

  async #stop(path: string, graceMs: number): Promise<void> {
    await this.#cloud.patch<Instance>('instances', path, { status: 'STOPPING' })
    await this.#cloud.hypervisor.powerOff(machineIdOf(path), { graceMs })
    await this.#terminated(path)
  }

  async #reset(path: string): Promise<void> {
    await this.#cloud.hypervisor.powerOff(machineIdOf(path))
    await this.#boot(path)
  }

  /** The notice, the grace period, the end. */
  async #preempt(path: string, graceMs: number): Promise<void> {
    const { scheduling } = this.#cloud.get<Instance>('instances', path)
    this.#preempted.add(path)
    this.#cloud.changes.emit('change')
    await this.#stop(path, graceMs)
    if (scheduling.instanceTerminationAction === 'DELETE') await this.#remove(path)
  }

  async #remove(path: string): Promise<void> {
    const instance = this.#cloud.find<Instance>('instances', path)
    if (!instance) return
    await this.#cloud.hypervisor.powerOff(machineIdOf(path))
    for (const { source, autoDelete } of instance.disks) {
      await setUsers(this.#cloud, source, [])
      if (autoDelete) await removeDisk(this.#cloud, pathOfLink(source))
    }
    this.#preempted.delete(path)
    await this.#cloud.guestAttributes.delete(path)
    await this.#cloud.delete('instances', path)
  }
}

/** A machine cannot boot from a disk that was made for another architecture. */
function checkArchitecture(instance: Instance, disk: Disk): void {
  const [project, zone] = [segmentAfter(instance.selfLink, 'projects') ?? '', segmentAfter(instance.selfLink, 'zones') ?? '']
  const { name, architecture } = machineType(project, zone, lastSegment(instance.machineType))
  if (disk.architecture === architecture) return
  throw new OperationError(
    'INVALID_USAGE',
    `No bootable device: disk '${disk.name}' holds ${disk.architecture}, machine type ${name} runs ${architecture}.`,
  )
}
