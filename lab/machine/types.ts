import type { Duplex } from 'node:stream'

/** A machine's subnet. */
export interface Subnet {
  /** The router's address, every machine's default route. */
  gateway: string
  prefixLength: number
}

/** A virtual machine as the hypervisor sees it; everything else about an instance belongs to the Compute API. */
export interface MachineSpec {
  /** `<project>/<zone>/<instance>`, unique in the lab. */
  id: string
  /** Host name inside. */
  name: string
  /** `projects/<project>/global/networks/<network>`; networks are isolated, and may use the same addresses. */
  network: string
  subnet: Subnet
  /** Internal IPv4 address in its subnet. */
  address: string
  /** Folder of the boot disk, made by `createDisk`. */
  disk: string
  /** The disk grows to this size first; only on a host with loop devices does a disk have a size. */
  diskBytes?: number
}

/** CPU architecture of a machine type or of a disk; a machine boots only if they match. */
export type Architecture = 'x86_64' | 'arm64'

export interface Hypervisor {
  /** Repairs the machines' networks after a crash. */
  repairNetworks(): Promise<void>
  /** Removes a network; the next machine powered on in it creates it again. Does nothing for a network that does not exist. */
  removeNetwork(network: string): Promise<void>
  /** The name by which the metadata server knows a network. */
  namespaceOf(network: string): string

  /** Creates a disk with the image's content: an empty overlay whose lower layer is this host. */
  createDisk(disk: string, architecture: Architecture, bytes?: number): Promise<void>
  /** Creates a disk with a snapshot's content. */
  createDiskFromSnapshot(disk: string, snapshot: string, bytes?: number): Promise<void>
  deleteDisk(disk: string): Promise<void>
  /**
   * Copies a disk's state at one instant into the folder `snapshot`, which appears complete or not at all. `machineId` names
   * the machine that runs from the disk, which is frozen meanwhile.
   * @returns bytes copied
   */
  snapshotDisk(disk: string, snapshot: string, machineId?: string): Promise<number>
  /** Bytes of a snapshot that an earlier one, if any, does not have: its size as an incremental snapshot. */
  snapshotBytes(snapshot: string, earlier?: string): Promise<number>
  deleteSnapshot(snapshot: string): Promise<void>

  /**
   * Returns once the machine's first process is running. The machine outlives the caller.
   * @throws Error when its disk does not boot
   */
  powerOn(machine: MachineSpec): Promise<void>
  /**
   * With `graceMs`, presses the power button and allows that time to shut down; without it, pulls the plug. Safe on a dead
   * machine.
   */
  powerOff(machineId: string, options?: { graceMs?: number }): Promise<void>
  isRunning(machineId: string): Promise<boolean>
  /** The pid on this host of the machine's first process, if it is running. */
  pid(machineId: string): Promise<number | undefined>
  /** What the machine wrote on its serial console. */
  consoleOutput(machineId: string): Promise<string>

  /** Connects to a machine's TCP port from within its network. @throws Error when refused or unreachable */
  dial(machine: Pick<MachineSpec, 'network' | 'address'>, port: number): Promise<Duplex>
}
