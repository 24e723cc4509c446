import { invalid, invalidField } from '../http/errors.ts'
import type { Cloud } from './cloud.ts'
import { type Disk, diskAt } from './disk.ts'
import { newDisk } from './disks.ts'
import { checkFree } from './family.ts'
import { checkName, lastSegment, pathOf, pathOfResource } from './resource.ts'

export interface AttachedDisk {
  source: string
  boot: boolean
  autoDelete: boolean
  deviceName: string
  index: number
  [field: string]: unknown
}

interface SentDisk {
  source?: string
  boot?: boolean
  autoDelete?: boolean
  deviceName?: string
  mode?: string
  initializeParams?: Record<string, unknown>
}

/**
 * The disks of a new instance as they appear in it, and those of them that are created with it.
 * @throws ApiError 400, 404
 */
export function attachDisks(
  cloud: Cloud,
  path: string,
  sent: Record<string, unknown>,
): { attached: AttachedDisk[]; created: Disk[] } {
  const list = (sent.disks ?? []) as SentDisk[]
  if (list.filter(({ boot }) => boot).length !== 1)
    throw invalidField('resource.disks', list.length, 'Boot disk must be the first disk.')
  const created: Disk[] = []
  const attached = list.map((disk, index) => {
    if (!disk.initializeParams) return attachment(diskAt(cloud, disk.source, path), disk, index)
    const made = initialize(cloud, path, disk.initializeParams, index)
    created.push(made)
    return attachment(made, disk, index)
  })
  return { attached, created }
}

/** A disk that is created with its instance. */
function initialize(cloud: Cloud, instancePath: string, params: Record<string, unknown>, index: number): Disk {
  const { diskName, diskSizeGb, diskType, ...rest } = params
  const [instance, place] = [lastSegment(instancePath), instancePath.split('/').slice(0, 4).join('/')]
  const name = checkName(diskName ?? (index === 0 ? instance : `${instance}-${index}`))
  const path = `${place}/disks/${name}`
  checkFree(cloud, 'disks', path)
  return newDisk(cloud, path, { ...rest, name, type: diskType, ...(Number(diskSizeGb) > 0 ? { sizeGb: diskSizeGb } : {}) })
}

/** A disk as it appears in its instance. @throws ApiError 400 when another instance has it. */
export function attachment(disk: Disk, sent: SentDisk, index: number): AttachedDisk {
  const [user] = disk.users ?? []
  if (user) {
    const message = `The disk resource '${pathOfResource(disk)}' is already being used by '${pathOf(user, '')}'`
    throw invalid(message, 'resourceInUseByAnotherResource')
  }
  return {
    kind: 'compute#attachedDisk',
    type: 'PERSISTENT',
    mode: sent.mode || 'READ_WRITE',
    source: disk.selfLink,
    deviceName: sent.deviceName || `persistent-disk-${index}`,
    index,
    boot: sent.boot === true,
    autoDelete: sent.autoDelete === true,
    ...(disk.licenses ? { licenses: disk.licenses } : {}),
    interface: 'SCSI',
    diskSizeGb: disk.sizeGb,
    architecture: disk.architecture,
  }
}
