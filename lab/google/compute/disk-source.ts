import { invalid } from '../http/errors.ts'
import type { Cloud } from './cloud.ts'
import { imageAt } from './images.ts'
import { pathOf, pathOfResource } from './resource.ts'
import type { Snapshot } from './snapshots.ts'

/** Where a new disk's content comes from. */
export interface DiskSource {
  sizeGb: number
  architecture: string
  /** The disk's fields that name the source. */
  fields: object
}

/** The image or snapshot that a request for a disk names; undefined for a blank disk. @throws ApiError 400, 404 */
export function diskSource(cloud: Cloud, project: string, sent: Record<string, unknown>): DiskSource | undefined {
  if (sent.sourceImage && sent.sourceSnapshot) throw invalid('A disk has one source: an image or a snapshot.')
  if (sent.sourceImage) {
    const image = imageAt(cloud, pathOf(String(sent.sourceImage), project))
    checkReady(image)
    const { selfLink, id, diskSizeGb, architecture, licenses, guestOsFeatures } = image
    const fields = { sourceImage: selfLink, sourceImageId: id, licenses, guestOsFeatures }
    return { sizeGb: Number(diskSizeGb), architecture, fields }
  }
  if (!sent.sourceSnapshot) return undefined
  const snapshot = cloud.get<Snapshot>('snapshots', snapshotPath(String(sent.sourceSnapshot), project))
  checkReady(snapshot)
  const { selfLink, id, diskSizeGb, architecture, licenses, guestOsFeatures } = snapshot
  const fields = { sourceSnapshot: selfLink, sourceSnapshotId: id, licenses, guestOsFeatures }
  return { sizeGb: Number(diskSizeGb), architecture, fields }
}

function checkReady(resource: { selfLink: string; status: string }): void {
  if (resource.status !== 'READY') throw invalid(`The resource '${pathOfResource(resource)}' is not ready`, 'resourceNotReady')
}

/** Terraform passes on whatever its user wrote, even a bare name. */
const snapshotPath = (reference: string, project: string): string =>
  reference.includes('/') ? pathOf(reference, project) : `projects/${project}/global/snapshots/${reference}`
