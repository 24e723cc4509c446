import { ApiError, invalid, notFound, required } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import { image as publicImage, publicImages } from './catalogue.ts'
import { type Cloud, mutating, newResource, placeOf } from './cloud.ts'
import { type Disk, machineUsing } from './disk.ts'
import { asked, checkFree, type Family, pathIn, routeOf, serveSetLabels } from './family.ts'
import { listReply } from './list.ts'
import type { Operation, Run } from './operations.ts'
import { checkQuota } from './quota.ts'
import { checkLabels, checkName, fingerprint, linkTo, pathOf, pathOfResource, type Resource } from './resource.ts'
import type { Snapshot } from './snapshots.ts'

export interface Image extends Resource {
  status: 'PENDING' | 'READY' | 'FAILED' | 'DELETING'
  diskSizeGb: string
  architecture: string
  family?: string
  deprecated?: { state?: string }
  licenses?: string[]
  guestOsFeatures?: object[]
}

const family: Family = { collection: 'images', kind: 'compute#image', scope: 'global' }
const ROUTE = routeOf('global', 'images')

/** A project's images: Google's public ones, or those created here. */
const imagesIn = (cloud: Cloud, project: string): Image[] => [
  ...(publicImages(project) as Image[]),
  ...cloud.all<Image>('images').filter(({ selfLink }) => selfLink.startsWith(linkTo(`projects/${project}/`))),
]

const IMAGE_PATH = /^projects\/([^/]+)\/(?:global\/images\/(family\/)?|(zones\/[^/]+\/imageFamilyViews\/))([^/]+)$/

/**
 * The image at `projects/P/global/images/NAME`, or the newest of a family at `…/images/family/NAME` or
 * `…/zones/Z/imageFamilyViews/NAME`.
 * @throws ApiError 404
 */
export function imageAt(cloud: Cloud, path: string): Image {
  const [, project = '', family, view, name = ''] = IMAGE_PATH.exec(path) ?? []
  const isFamily = family !== undefined || view !== undefined
  const found = imagesIn(cloud, project).filter(image => (isFamily ? isCurrent(image, name) : image.name === name))
  const newest = found.sort((left, right) => Date.parse(right.creationTimestamp) - Date.parse(left.creationTimestamp))[0]
  if (!newest) throw notFound(path)
  return newest
}

/** Whether a family's name may refer to the image: the newest one that is not deprecated counts. */
const isCurrent = (image: Image, family: string): boolean =>
  image.family === family && image.status === 'READY' && (image.deprecated?.state ?? 'ACTIVE') === 'ACTIVE'

/** The folder of an image that was created here; undefined for a public image, whose content is this host. */
export const imageFolder = (cloud: Cloud, { id, selfLink }: Image): string | undefined =>
  cloud.find('images', pathOfResource({ selfLink })) && cloud.imageFolder(id)

export function serveImages(router: Router, cloud: Cloud): void {
  router.get(ROUTE, call => {
    placeOf(call)
    return listReply(call, family.kind, imagesIn(cloud, call.param('project')))
  })
  const familyPath = (call: Call) => `projects/${call.param('project')}/global/images/family/${call.param('family')}`
  router.get(`${ROUTE}/family/{family}`, call => ({ json: imageAt(cloud, familyPath(call)) }))
  // The Cloud SDK asks for a family this way; every zone has the same images.
  router.get('/compute/v1/projects/{project}/zones/{place}/imageFamilyViews/{family}', call => ({
    json: { image: imageAt(cloud, familyPath(call)) },
  }))
  router.get(`${ROUTE}/{name}`, call => ({ json: imageAt(cloud, pathIn(call, 'images')) }))
  serveCreation(router, cloud)
  serveChanges(router, cloud)
}

function serveCreation(router: Router, cloud: Cloud): void {
  cloud.operations.register('images.insert', (path, run) => make(cloud, path, run))
  router.post(
    ROUTE,
    mutating(cloud, async call => {
      const sent = await call.json()
      const path = `${placeOf(call)}/images/${checkName(sent.name)}`
      checkFree(cloud, 'images', path)
      const source = sourceOf(cloud, call, sent)
      const labels = checkLabels(sent.labels)
      const image: Resource = {
        sourceType: 'RAW',
        storageLocations: ['us'],
        ...newResource(family.kind, path, sent),
        ...source.fields,
        labels,
        labelFingerprint: fingerprint(labels),
        status: 'PENDING',
        archiveSizeBytes: '0',
        diskSizeGb: source.sizeGb,
        architecture: sent.architecture ?? source.architecture,
      }
      checkQuota(cloud, 'images', image)
      const work = { type: 'insert', work: 'images.insert', arguments: { source: source.path, kind: source.kind } }
      const operation = cloud.operations.begin({ ...asked(call), ...work, target: path, targetId: image.id })
      await cloud.put('images', image)
      return operation
    }),
  )
}

/** What a new image is made from. */
interface Source {
  kind: 'disk' | 'snapshot' | 'image'
  path: string
  sizeGb: string
  architecture: string
  fields: object
}

function sourceOf(cloud: Cloud, call: Call, sent: Record<string, unknown>): Source {
  const path = (reference: unknown) => pathOf(String(reference), call.param('project'))
  if (sent.sourceDisk) {
    const disk = cloud.get<Disk>('disks', path(sent.sourceDisk))
    if (machineUsing(cloud, pathOfResource(disk)) && !call.flag('forceCreate')) {
      const message = `The disk resource '${pathOfResource(disk)}' is already being used by '${pathOf(disk.users?.[0] ?? '', '')}'`
      throw invalid(message, 'resourceInUseByAnotherResource')
    }
    const { licenses, guestOsFeatures } = disk
    const fields = { sourceDisk: disk.selfLink, sourceDiskId: disk.id, licenses, guestOsFeatures }
    return { kind: 'disk', path: pathOfResource(disk), sizeGb: disk.sizeGb, architecture: disk.architecture, fields }
  }
  if (sent.sourceSnapshot) {
    const snapshot = cloud.get<Snapshot>('snapshots', path(sent.sourceSnapshot))
    const fields = { sourceSnapshot: snapshot.selfLink, sourceSnapshotId: snapshot.id, licenses: snapshot.licenses }
    const { diskSizeGb: sizeGb, architecture } = snapshot
    return { kind: 'snapshot', path: pathOfResource(snapshot), sizeGb, architecture, fields }
  }
  if (sent.sourceImage) {
    const image = imageAt(cloud, path(sent.sourceImage))
    const { licenses, guestOsFeatures, diskSizeGb: sizeGb, architecture } = image
    const fields = { sourceImage: image.selfLink, sourceImageId: image.id, licenses, guestOsFeatures }
    return { kind: 'image', path: pathOfResource(image), sizeGb, architecture, fields }
  }
  throw required('resource.sourceDisk')
}

async function make(cloud: Cloud, path: string, { given, proceed }: Run): Promise<void> {
  const { id } = cloud.get('images', path)
  const folder = cloud.imageFolder(id)
  try {
    await proceed()
    await fill(cloud, folder, given.kind as Source['kind'], String(given.source))
    await cloud.patch<Image>('images', path, { status: 'READY' })
  } catch (error) {
    await cloud.hypervisor.deleteSnapshot(folder)
    await cloud.delete('images', path)
    throw error
  }
}

async function fill(cloud: Cloud, folder: string, kind: Source['kind'], source: string): Promise<void> {
  const { hypervisor } = cloud
  // An interrupted run may have left something.
  await hypervisor.deleteSnapshot(folder)
  if (kind === 'disk') {
    await hypervisor.snapshotDisk(cloud.diskFolder(source), folder, machineUsing(cloud, source))
    return
  }
  if (kind === 'snapshot')
    return hypervisor.createDiskFromSnapshot(folder, cloud.snapshotFolder(cloud.get('snapshots', source).id))
  const image = imageAt(cloud, source)
  const from = imageFolder(cloud, image)
  if (from) await hypervisor.createDiskFromSnapshot(folder, from)
  else await hypervisor.createDisk(folder, image.architecture === 'ARM64' ? 'arm64' : 'x86_64')
}

function serveChanges(router: Router, cloud: Cloud): void {
  serveSetLabels(router, cloud, family)
  router.post(
    `${ROUTE}/{name}/deprecate`,
    mutating(cloud, async call => {
      const [path, image] = own(cloud, call)
      const deprecated = await call.json()
      const operation = cloud.operations.begin({ ...asked(call), type: 'deprecate', target: path, targetId: image.id })
      await cloud.patch<Image>('images', path, { deprecated: deprecated.state === 'ACTIVE' ? {} : deprecated })
      return operation
    }),
  )
  router.patch(
    `${ROUTE}/{name}`,
    mutating(cloud, async call => {
      const [path, image] = own(cloud, call)
      const { family = image.family, description = image.description } = await call.json()
      const operation = cloud.operations.begin({ ...asked(call), type: 'patch', target: path, targetId: image.id })
      await cloud.patch<Image>('images', path, { family: String(family), description })
      return operation
    }),
  )
  cloud.operations.register('images.delete', async (path, { proceed }) => {
    try {
      await proceed()
    } catch (error) {
      await cloud.patch<Image>('images', path, { status: 'READY' })
      throw error
    }
    const image = cloud.find<Image>('images', path)
    if (!image) return
    await cloud.hypervisor.deleteSnapshot(cloud.imageFolder(image.id))
    await cloud.delete('images', path)
  })
  router.delete(
    `${ROUTE}/{name}`,
    mutating(cloud, async (call): Promise<Operation> => {
      const [path, image] = own(cloud, call)
      const work = { type: 'delete', work: 'images.delete' }
      const operation = cloud.operations.begin({ ...asked(call), ...work, target: path, targetId: image.id })
      await cloud.patch<Image>('images', path, { status: 'DELETING' })
      return operation
    }),
  )
}

/** An image that was created here. @throws ApiError 403 for a public one, 404 */
function own(cloud: Cloud, call: Call): [string, Image] {
  const path = pathIn(call, 'images')
  const image = cloud.find<Image>('images', path)
  if (image) return [path, image]
  publicImage(call.param('project'), call.param('name'))
  throw new ApiError(403, 'forbidden', `Required 'compute.images.update' permission for '${path}'`)
}
