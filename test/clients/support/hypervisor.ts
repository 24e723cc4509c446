import { cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { changedBytes } from '../../../lab/machine/changed-bytes.ts'
import type { Architecture, Hypervisor, MachineSpec } from '../../../lab/machine/types.ts'

/** A hypervisor whose machines are entries in a map; its disks and snapshots are real folders. */
export class FakeHypervisor implements Hypervisor {
  readonly machines = new Map<string, MachineSpec>()
  /** Where connections to a machine's ports really go. */
  readonly ports = new Map<number, number>()
  /** Makes the next power-on fail with this message. */
  failure: string | undefined

  async repairNetworks(): Promise<void> {}
  async removeNetwork(): Promise<void> {}
  namespaceOf = (network: string): string => `netns of ${network}`

  async createDisk(disk: string, architecture: Architecture): Promise<void> {
    await mkdir(disk, { recursive: true })
    await writeFile(join(disk, 'architecture'), architecture)
  }

  async createDiskFromSnapshot(disk: string, snapshot: string): Promise<void> {
    await cp(snapshot, disk, { recursive: true })
  }

  async deleteDisk(disk: string): Promise<void> {
    await rm(disk, { recursive: true, force: true })
  }

  async snapshotDisk(disk: string, snapshot: string): Promise<number> {
    await mkdir(dirname(snapshot), { recursive: true })
    await cp(disk, `${snapshot}.partial`, { recursive: true })
    await rename(`${snapshot}.partial`, snapshot)
    const sizes = await Promise.all((await readdir(snapshot)).map(async name => (await stat(join(snapshot, name))).size))
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  snapshotBytes(snapshot: string, earlier?: string): Promise<number> {
    return changedBytes(snapshot, earlier)
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    await rm(snapshot, { recursive: true, force: true })
  }

  async powerOn(machine: MachineSpec): Promise<void> {
    if (this.failure) throw new Error(this.failure)
    this.machines.set(machine.id, machine)
  }

  async powerOff(machineId: string): Promise<void> {
    this.machines.delete(machineId)
  }

  async isRunning(machineId: string): Promise<boolean> {
    return this.machines.has(machineId)
  }

  async pid(): Promise<number | undefined> {
    return undefined
  }

  async consoleOutput(machineId: string): Promise<string> {
    return `booting ${machineId}\n`
  }

  dial(_machine: object, port: number): ReturnType<Hypervisor['dial']> {
    const socket = connect(this.ports.get(port) ?? 1, '127.0.0.1')
    const { promise, resolve, reject } = Promise.withResolvers<typeof socket>()
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
    return promise
  }
}
