import type { AttachedDisk } from './attached-disks.ts'
import type { Metadata } from './metadata.ts'
import { pathOf, type Resource } from './resource.ts'

export type InstanceStatus = 'PROVISIONING' | 'STAGING' | 'RUNNING' | 'STOPPING' | 'TERMINATED'

export interface Scheduling {
  preemptible: boolean
  automaticRestart: boolean
  provisioningModel: 'STANDARD' | 'SPOT'
  onHostMaintenance: string
  instanceTerminationAction?: 'STOP' | 'DELETE'
}

export interface AccessConfig {
  name: string
  natIP: string
  [field: string]: unknown
}

export interface NetworkInterface {
  network: string
  subnetwork: string
  networkIP: string
  accessConfigs?: AccessConfig[]
  [field: string]: unknown
}

export interface Instance extends Resource {
  status: InstanceStatus
  /** Why it has this status, for people to read; empty where that is obvious. */
  statusMessage?: string
  zone: string
  machineType: string
  disks: AttachedDisk[]
  scheduling: Scheduling
  metadata: Metadata
  networkInterfaces: NetworkInterface[]
  tags: { items?: string[]; fingerprint: string }
  serviceAccounts?: ServiceAccount[]
  deletionProtection: boolean
}

export interface ServiceAccount {
  email: string
  scopes: string[]
}

/** `<project>/<zone>/<name>`, as the hypervisor knows it. */
export function machineIdOf(path: string): string {
  const [, project, , zone, , name] = path.split('/')
  return `${project}/${zone}/${name}`
}

export const isSpot = ({ scheduling }: Instance): boolean => scheduling.preemptible || scheduling.provisioningModel === 'SPOT'

export const bootDiskOf = (instance: Instance): AttachedDisk => {
  const disk = instance.disks.find(({ boot }) => boot)
  if (!disk) throw new Error(`instance ${instance.name} has no boot disk`)
  return disk
}

export const addressOf = (instance: Instance): string => instance.networkInterfaces[0]?.networkIP ?? ''

/** `projects/<project>/global/networks/<name>` */
export const networkOf = (instance: Instance): string => pathOf(instance.networkInterfaces[0]?.network ?? '', '')

/** A key's value in the instance's own metadata. */
export const metadataValue = (instance: Instance, key: string): string | undefined =>
  instance.metadata.items?.find(item => item.key === key)?.value
