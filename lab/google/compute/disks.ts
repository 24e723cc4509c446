import type { Architecture } from '../../machine/types.ts'
import { inUse, invalid, invalidField, required } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import { architectureName, diskType, image, imageAt, imageFromFamily, publicImages } from './catalogue.ts'
import { type Cloud, mutating, newResource, placeOf } from './cloud.ts'
import { asked, checkFree, type Family, pathIn, placeFields, routeOf, serveReading, serveSetLabels } from './family.ts'
import { listReply } from './list.ts'
import {
  canonicalLink,
  checkLabels,
  checkName,
  fingerprint,
  lastSegment,
  linkTo,
  pathOf,
  pathOfResource,
  type Resource,
  segmentAfter,
} from './resource.ts'
import type { Snapshot } from './snapshots.ts'

export interface Disk extends Resource {
  status: 'CREATING' | 'READY' | 'DELETING' | 'FAILED'
  /** Gibibytes as a decimal string. */
  sizeGb: string
  type: string
  architecture: string
  /** Links of the instances that it is attached to. */
  users?: string[]
  sourceImage?: string
  sourceSnapshot?: string
  sourceSnapshotId?: string
}

const diskFamily: Family = { collection: 'disks', kind: 'compute#disk', scope: 'zone' }

/** A new disk as the API describes it; `makeDisk` makes it. @throws ApiError 400, 404 */
export function newDisk(cloud: Cloud, path: string, sent: Record<string, unknown>): Disk {
  const project = segmentAfter(path, 'projects') ?? ''
  const zone = segmentAfter(path, 'zones') ?? ''
  const type = sent.type ? lastSegment(String(sent.type)) : 'pd-standard'
  const source = sourceOf(cloud, project, sent)
  const sizeGb = sent.sizeGb === undefined || sent.sizeGb === '' ? source.sizeGb : Number(sent.sizeGb)
  if (!Number.isInteger(sizeGb) || sizeGb < 1) throw invalidField('resource.sizeGb', sent.sizeGb, 'Must be at least 1.')
  if (sizeGb < source.sizeGb) {
    throw invalidField(
      'resource.sizeGb',
      sizeGb,
      `Requested disk size cannot be smaller than the source's size (${source.sizeGb} GB)`,
    )
  }
  const labels = checkLabels(sent.labels)
  return {
    physicalBlockSizeBytes: '4096',
    ...newResource(diskFamily.kind, path, { ...sent, ...placeFields(path) }),
    ...source.fields,
    labels,
    labelFingerprint: fingerprint(labels),
    type: diskType(project, zone, type).selfLink,
    sizeGb: String(sizeGb),
    architecture: source.architecture,
    status: 'CREATING',
  }
}

interface Source {
  sizeGb: number
  architecture: string
  fields: object
}

const BLANK_SIZE_GB = 10

function sourceOf(cloud: Cloud, project: string, sent: Record<string, unknown>): Source {
  if (sent.sourceImage && sent.sourceSnapshot) throw invalid('A disk has one source: an image or a snapshot.')
  if (sent.sourceImage) {
    const { selfLink, id, diskSizeGb, architecture, licenses, guestOsFeatures } = imageAt(
      pathOf(String(sent.sourceImage), project),
    )
    const fields = { sourceImage: selfLink, sourceImageId: id, licenses, guestOsFeatures }
    return { sizeGb: Number(diskSizeGb), architecture, fields }
  }
  if (sent.sourceSnapshot) {
    const snapshot = cloud.get<Snapshot>('snapshots', snapshotPath(String(sent.sourceSnapshot), project))
    const { selfLink, id, status, diskSizeGb, architecture } = snapshot
    if (status !== 'READY') throw invalid(`The resource '${pathOfResource(snapshot)}' is not ready`, 'resourceNotReady')
    return { sizeGb: Number(diskSizeGb), architecture, fields: { sourceSnapshot: selfLink, sourceSnapshotId: id } }
  }
  return { sizeGb: BLANK_SIZE_GB, architecture: architectureName('x86_64'), fields: {} }
}

/** Terraform hands on whatever its user wrote, a bare name included. */
const snapshotPath = (reference: string, project: string): string =>
  reference.includes('/') ? pathOf(reference, project) : `projects/${project}/global/snapshots/${reference}`

/** Makes the disk itself; safe to repeat after an interruption. */
export async function makeDisk(cloud: Cloud, path: string): Promise<void> {
  const { sourceSnapshot, sourceSnapshotId, architecture, status } = cloud.get<Disk>('disks', path)
  if (status === 'READY') return
  const folder = cloud.diskFolder(path)
  await cloud.hypervisor.deleteDisk(folder)
  if (sourceSnapshot) await cloud.hypervisor.createDiskFromSnapshot(folder, cloud.snapshotFolder(String(sourceSnapshotId)))
  else await cloud.hypervisor.createDisk(folder, architectureOf(architecture))
  await cloud.patch<Disk>('disks', path, { status: 'READY' })
}

const architectureOf = (name: string): Architecture => (name === 'ARM64' ? 'arm64' : 'x86_64')

export async function removeDisk(cloud: Cloud, path: string): Promise<void> {
  if (!cloud.find('disks', path)) return
  await cloud.hypervisor.deleteDisk(cloud.diskFolder(path))
  await cloud.delete('disks', path)
}

export function serveDisks(router: Router, cloud: Cloud): void {
  const route = routeOf('zone', 'disks')
  serveReading(router, cloud, diskFamily)
  serveSetLabels(router, cloud, diskFamily)

  cloud.operations.register('disks.insert', async path => {
    try {
      await makeDisk(cloud, path)
    } catch (error) {
      await removeDisk(cloud, path)
      throw error
    }
  })
  router.post(
    route,
    mutating(cloud, async call => {
      const sent = await call.json()
      const path = `${placeOf(call)}/disks/${checkName(sent.name)}`
      checkFree(cloud, 'disks', path)
      const sourceImage = call.query.get('sourceImage')
      const disk = newDisk(cloud, path, sourceImage ? { ...sent, sourceImage } : sent)
      const work = { type: 'insert', work: 'disks.insert' }
      const operation = cloud.operations.begin({ ...asked(call), ...work, target: path, targetId: disk.id })
      await cloud.put('disks', disk)
      return operation
    }),
  )

  cloud.operations.register('disks.delete', path => removeDisk(cloud, path))
  router.delete(
    `${route}/{name}`,
    mutating(cloud, async call => {
      const path = pathIn(call, 'disks')
      const disk = cloud.get<Disk>('disks', path)
      const [user] = disk.users ?? []
      if (user) throw inUse('disk', path, pathOf(user, call.param('project')))
      if (disk.status === 'CREATING') throw invalid(`The resource '${path}' is not ready`, 'resourceNotReady')
      const work = { type: 'delete', work: 'disks.delete' }
      const operation = cloud.operations.begin({ ...asked(call), ...work, target: path, targetId: disk.id })
      await cloud.patch<Disk>('disks', path, { status: 'DELETING' })
      return operation
    }),
  )

  router.post(
    `${route}/{name}/resize`,
    mutating(cloud, async call => {
      const path = pathIn(call, 'disks')
      const { id, sizeGb } = cloud.get<Disk>('disks', path)
      const wanted = Number((await call.json()).sizeGb)
      if (!(wanted > Number(sizeGb))) {
        throw invalidField('sizeGb', wanted, `New disk size '${wanted}' must be larger than existing size '${sizeGb}'.`)
      }
      const operation = cloud.operations.begin({ ...asked(call), type: 'resizeDisk', target: path, targetId: id })
      await cloud.patch<Disk>('disks', path, { sizeGb: String(wanted) })
      return operation
    }),
  )

  serveImages(router)
}

function serveImages(router: Router): void {
  const route = '/compute/v1/projects/{project}/global/images'
  router.get(route, call => listReply(call, 'compute#image', publicImages(call.param('project'))))
  router.get(`${route}/family/{family}`, call => ({ json: imageFromFamily(call.param('project'), call.param('family')) }))
  router.get(`${route}/{name}`, call => ({ json: image(call.param('project'), call.param('name')) }))
}

/** The path of an existing disk that an instance's request names. @throws ApiError 400, 404 */
export function diskAt(cloud: Cloud, source: unknown, place: string): Disk {
  if (!source) throw required('resource.disks[].source')
  const project = segmentAfter(place, 'projects') ?? ''
  return cloud.get<Disk>('disks', pathOf(canonicalLink(String(source), project), project))
}

/** Records who uses a disk. */
export async function setUsers(cloud: Cloud, diskLink: string, users: string[]): Promise<void> {
  const path = diskLink.slice(linkTo('').length)
  if (!cloud.find('disks', path)) return
  const { users: _, ...disk } = cloud.get<Disk>('disks', path)
  await cloud.put('disks', users.length > 0 ? { ...disk, users } : disk)
}
