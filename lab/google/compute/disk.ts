import { required } from '../http/errors.ts'
import type { Cloud } from './cloud.ts'
import { canonicalLink, lastSegment, pathOf, pathOfLink, type Resource, segmentAfter } from './resource.ts'

export interface Disk extends Resource {
  status: 'CREATING' | 'READY' | 'DELETING' | 'FAILED'
  /** Gibibytes as a decimal string. */
  sizeGb: string
  type: string
  architecture: string
  /** Links of the instances it is attached to. */
  users?: string[]
  sourceImage?: string
  sourceImageId?: string
  sourceSnapshot?: string
  sourceSnapshotId?: string
  licenses?: string[]
  guestOsFeatures?: object[]
}

/** The id of the machine that runs from a disk; it is frozen while the disk is copied. */
export function machineUsing(cloud: Cloud, diskPath: string): string | undefined {
  const { users = [], zone } = cloud.get<Disk>('disks', diskPath)
  const project = segmentAfter(diskPath, 'projects') ?? ''
  const user = users
    .map(link => cloud.find('instances', pathOf(link, project)))
    .find(instance => instance?.status === 'RUNNING')
  return user && `${project}/${lastSegment(String(zone))}/${user.name}`
}

/** The existing disk that an instance's request names. @throws ApiError 400, 404 */
export function diskAt(cloud: Cloud, source: unknown, place: string): Disk {
  if (!source) throw required('resource.disks[].source')
  const project = segmentAfter(place, 'projects') ?? ''
  return cloud.get<Disk>('disks', pathOf(canonicalLink(String(source), project), project))
}

/** Records which instances use a disk. */
export async function setUsers(cloud: Cloud, diskLink: string, users: string[]): Promise<void> {
  const path = pathOfLink(diskLink)
  if (!cloud.find('disks', path)) return
  const { users: _, ...disk } = cloud.get<Disk>('disks', path)
  await cloud.put('disks', users.length > 0 ? { ...disk, users } : disk)
}
