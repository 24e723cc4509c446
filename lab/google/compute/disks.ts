import { inUse, invalid, invalidField } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import { architectureName, diskType } from './catalogue.ts'
import { type Cloud, mutating, newResource, placeOf } from './cloud.ts'
import type { Disk } from './disk.ts'
import { diskSource } from './disk-source.ts'
import { asked, checkFree, type Family, pathIn, placeFields, routeOf, serveReading, serveSetLabels } from './family.ts'
import { checkQuota } from './quota.ts'
import { canonicalLink, checkLabels, checkName, fingerprint, lastSegment, pathOf, segmentAfter } from './resource.ts'

const diskFamily: Family = { collection: 'disks', kind: 'compute#disk', scope: 'zone' }

/** A new disk as the API describes it; `makeDisk` creates it. @throws ApiError 400, 403, 404 */
export function newDisk(cloud: Cloud, path: string, sent: Record<string, unknown>): Disk {
  const project = segmentAfter(path, 'projects') ?? ''
  const type = diskType(project, segmentAfter(path, 'zones') ?? '', sent.type ? lastSegment(String(sent.type)) : 'pd-standard')
  const source = diskSource(cloud, project, sent)
  const labels = checkLabels(sent.labels)
  const policies = (sent.resourcePolicies ?? []) as string[]
  const disk: Disk = {
    physicalBlockSizeBytes: '4096',
    ...newResource(diskFamily.kind, path, { ...sent, ...placeFields(path) }),
    ...source?.fields,
    ...(policies.length > 0 && { resourcePolicies: policies.map(link => canonicalLink(link, project)) }),
    labels,
    labelFingerprint: fingerprint(labels),
    type: type.selfLink,
    sizeGb: String(sizeOf(sent.sizeGb, source?.sizeGb, Number(type.defaultDiskSizeGb))),
    architecture: source?.architecture ?? architectureName('x86_64'),
    status: 'CREATING',
  }
  checkQuota(cloud, 'disks', disk)
  return disk
}

/** The smallest size of a persistent disk, in GB. */
const SMALLEST_GB = 10

function sizeOf(sent: unknown, ofSource: number | undefined, usual: number): number {
  const isSaid = sent !== undefined && sent !== '' && Number(sent) !== 0
  const sizeGb = isSaid ? Number(sent) : (ofSource ?? usual)
  const smallest = Math.max(SMALLEST_GB, ofSource ?? 0)
  if (Number.isInteger(sizeGb) && sizeGb >= smallest) return sizeGb
  const why =
    ofSource !== undefined && sizeGb < ofSource
      ? `Requested disk size cannot be smaller than the source's size (${ofSource} GB)`
      : `Disk size must be a whole number of GB and at least ${SMALLEST_GB}.`
  throw invalidField('resource.sizeGb', sent, why)
}

/** Creates the disk itself; safe to repeat after an interruption. */
export async function makeDisk(cloud: Cloud, path: string): Promise<void> {
  const disk = cloud.get<Disk>('disks', path)
  if (disk.status === 'READY') return
  const folder = cloud.diskFolder(path)
  await cloud.hypervisor.deleteDisk(folder)
  const content = contentOf(cloud, disk)
  const bytes = Number(disk.sizeGb) * 2 ** 30
  if (content) await cloud.hypervisor.createDiskFromSnapshot(folder, content, bytes)
  else await cloud.hypervisor.createDisk(folder, disk.architecture === architectureName('arm64') ? 'arm64' : 'x86_64', bytes)
  await cloud.patch<Disk>('disks', path, { status: 'READY' })
}

/** The folder from which a disk's content is copied; undefined for a public image or a blank disk. */
function contentOf(cloud: Cloud, { sourceSnapshot, sourceSnapshotId, sourceImageId }: Disk): string | undefined {
  if (sourceSnapshot) return cloud.snapshotFolder(String(sourceSnapshotId))
  const isMadeHere = cloud.all('images').some(({ id }) => id === sourceImageId)
  return isMadeHere ? cloud.imageFolder(String(sourceImageId)) : undefined
}

export async function removeDisk(cloud: Cloud, path: string): Promise<void> {
  if (!cloud.find('disks', path)) return
  await cloud.hypervisor.deleteDisk(cloud.diskFolder(path))
  await cloud.delete('disks', path)
}

export function serveDisks(router: Router, cloud: Cloud): void {
  const route = routeOf('zone', 'disks')
  serveReading(router, cloud, diskFamily)
  serveSetLabels(router, cloud, diskFamily)

  cloud.operations.register('disks.insert', async (path, { proceed }) => {
    try {
      await proceed()
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

  cloud.operations.register('disks.delete', async (path, { proceed }) => {
    try {
      await proceed()
    } catch (error) {
      await cloud.patch<Disk>('disks', path, { status: 'READY' })
      throw error
    }
    await removeDisk(cloud, path)
  })
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
}
