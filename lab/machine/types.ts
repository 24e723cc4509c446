import type { Duplex } from 'node:stream'

/** Where a machine is in a network. */
export interface Subnet {
  /** Its router's address, which is on every machine's default route. */
  gateway: string
  prefixLength: number
}

/** A virtual machine as the hypervisor sees it; everything else about an instance belongs to the Compute API. */
export interface MachineSpec {
  /** `<project>/<zone>/<instance>`, unique in the lab. */
  id: string
  /** Host name inside. */
  name: string
  /** `projects/<project>/global/networks/<network>`; machines of two networks never meet, even where their addresses are the same. */
  network: string
  subnet: Subnet
  /** Internal IPv4 address in its subnet. */
  address: string
  /** Folder of the boot disk, made by `createDisk`. */
  disk: string
  /** The disk grows to that size first; a disk has one of its own only on a host with loop devices. */
  diskBytes?: number
}

/** CPU architecture of a machine type and of what a disk was made for; they must agree for a machine to boot. */
export type Architecture = 'x86_64' | 'arm64'

export interface Hypervisor {
  /** Makes whole again what a crash left of the networks that machines have been in. */
  repairNetworks(): Promise<void>
  /** Ends a network; the next machine that is powered on in it makes it anew. Safe on one that never was. */
  removeNetwork(network: string): Promise<void>
  /** By this name the metadata server hears of a network. */
  namespaceOf(network: string): string

  /** A new disk with the image's content: an empty overlay whose lower layer is this host. */
  createDisk(disk: string, architecture: Architecture, bytes?: number): Promise<void>
  /** A new disk with a snapshot's content. */
  createDiskFromSnapshot(disk: string, snapshot: string, bytes?: number): Promise<void>
  deleteDisk(disk: string): Promise<void>
  /**
   * Copies a disk as it is at one instant into the folder `snapshot`, which appears whole or not at all. `machineId` names
   * the machine that runs from it, whose processes stand still meanwhile.
   * @returns bytes copied
   */
  snapshotDisk(disk: string, snapshot: string, machineId?: string): Promise<number>
  /** Bytes that a snapshot holds and an earlier one, if there is one, does not: what it takes when snapshots are incremental. */
  snapshotBytes(snapshot: string, earlier?: string): Promise<number>
  deleteSnapshot(snapshot: string): Promise<void>

  /** Returns once the machine's first process runs. The machine outlives the caller. @throws Error when its disk does not boot. */
  powerOn(machine: MachineSpec): Promise<void>
  /** `graceful`: an ACPI power button press with up to `graceMs` to shut down; otherwise the plug is pulled. Safe on a dead machine. */
  powerOff(machineId: string, options?: { graceMs?: number }): Promise<void>
  isRunning(machineId: string): Promise<boolean>
  /** The pid on this host of the machine's first process, if it runs. */
  pid(machineId: string): Promise<number | undefined>
  /** What the machine wrote on its serial console. */
  consoleOutput(machineId: string): Promise<string>

  /** A TCP connection from a machine's network to one of its ports. @throws Error when refused or unreachable. */
  dial(machine: Pick<MachineSpec, 'network' | 'address'>, port: number): Promise<Duplex>
}
