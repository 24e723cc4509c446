import { invalid, required } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import { type Cloud, mutating, newResource } from './cloud.ts'
import { type Disk, machineUsing } from './disk.ts'
import { asked, checkFree, type Family, pathIn, routeOf, serveReading, serveSetLabels } from './family.ts'
import { type Operation, OperationError } from './operations.ts'
import { checkQuota, checkSnapshotRate, RATE_EXCEEDED } from './quota.ts'
import { checkLabels, checkName, fingerprint, pathOf, pathOfResource, type Resource } from './resource.ts'
import { Turns } from './turns.ts'

export interface Snapshot extends Resource {
  status: 'CREATING' | 'UPLOADING' | 'READY' | 'FAILED' | 'DELETING'
  diskSizeGb: string
  architecture: string
  sourceDisk: string
  sourceDiskId: string
  storageBytes: string
  licenses?: string[] | undefined
  guestOsFeatures?: object[] | undefined
}

const snapshotFamily: Family = { collection: 'snapshots', kind: 'compute#snapshot', scope: 'global' }
const ROUTE = routeOf('global', 'snapshots')

export function serveSnapshots(router: Router, cloud: Cloud): void {
  // A disk's snapshots build on each other, so creating and deleting them is serialized per disk.
  const turns = new Turns()
  serveReading(router, cloud, snapshotFamily)
  serveSetLabels(router, cloud, snapshotFamily)
  serveCreation(router, cloud, turns)

  cloud.operations.register('snapshots.delete', async (path, { proceed }) => {
    try {
      await proceed()
    } catch (error) {
      await cloud.patch<Snapshot>('snapshots', path, { status: 'READY' })
      throw error
    }
    const snapshot = cloud.find<Snapshot>('snapshots', path)
    if (snapshot) await turns.take(snapshot.sourceDiskId, () => remove(cloud, snapshot))
  })
  router.delete(
    `${ROUTE}/{name}`,
    mutating(cloud, async call => {
      const path = pathIn(call, 'snapshots')
      const { id, status } = cloud.get<Snapshot>('snapshots', path)
      if (status === 'CREATING') throw invalid(`The resource '${path}' is not ready`, 'resourceNotReady')
      const work = { type: 'delete', work: 'snapshots.delete' }
      const operation = cloud.operations.begin({ ...asked(call), ...work, target: path, targetId: id })
      await cloud.patch<Snapshot>('snapshots', path, { status: 'DELETING' })
      return operation
    }),
  )
}

/**
 * There are two ways to create one: Terraform and the Node client call a method of the disk, gcloud inserts into the
 * collection.
 */
function serveCreation(router: Router, cloud: Cloud, turns: Turns): void {
  const taken = new Map<string, Date[]>()
  cloud.operations.register('snapshots.create', async (_, { given, resumed, proceed }) => {
    const [snapshot, disk] = [String(given.snapshot), String(given.disk)]
    try {
      // The disk's content is no longer what it was when the snapshot was requested.
      if (resumed) throw new OperationError('INTERNAL_ERROR', 'The snapshot was interrupted by a restart.')
      await proceed()
      const { id } = cloud.get('disks', disk)
      const earlier = taken.get(id) ?? []
      checkSnapshotRate(cloud, disk, earlier, new Date())
      taken.set(id, [...earlier, new Date()])
      await turns.take(id, () => copyDisk(cloud, disk, snapshot))
    } catch (error) {
      // A snapshot over the rate limit was never begun; any other failure leaves a failed one.
      if (error instanceof OperationError && error.code === RATE_EXCEEDED) await cloud.delete('snapshots', snapshot)
      else await cloud.patch<Snapshot>('snapshots', snapshot, { status: 'FAILED' })
      throw error
    }
  })
  router.post(
    `${routeOf('zone', 'disks')}/{name}/createSnapshot`,
    mutating(cloud, async call => {
      const disk = cloud.get<Disk>('disks', pathIn(call, 'disks'))
      return begin(cloud, call, disk, await call.json(), 'createSnapshot')
    }),
  )
  router.post(
    ROUTE,
    mutating(cloud, async call => {
      const sent = await call.json()
      if (!sent.sourceDisk) throw required('resource.sourceDisk')
      const disk = cloud.get<Disk>('disks', pathOf(String(sent.sourceDisk), call.param('project')))
      return begin(cloud, call, disk, sent, 'insert')
    }),
  )
}

async function begin(
  cloud: Cloud,
  call: Call,
  disk: Disk,
  sent: Record<string, unknown>,
  type: 'createSnapshot' | 'insert',
): Promise<Operation> {
  const path = `projects/${call.param('project')}/global/snapshots/${checkName(sent.name)}`
  checkFree(cloud, 'snapshots', path)
  const diskPath = pathOfResource(disk)
  if (disk.status !== 'READY') throw invalid(`The resource '${diskPath}' is not ready`, 'resourceNotReady')
  const snapshot = describe(path, disk, sent, call.flag('guestFlush'))
  const target = type === 'insert' ? { target: path, targetId: snapshot.id } : { target: diskPath, targetId: disk.id }
  const work = { type, work: 'snapshots.create', arguments: { snapshot: path, disk: diskPath } }
  checkQuota(cloud, 'snapshots', snapshot)
  const operation = cloud.operations.begin({ ...asked(call), ...work, ...target })
  await cloud.put('snapshots', snapshot)
  return operation
}

function describe(path: string, disk: Disk, sent: Record<string, unknown>, guestFlush: boolean): Snapshot {
  const labels = checkLabels(sent.labels)
  return {
    storageLocations: ['us'],
    ...newResource(snapshotFamily.kind, path, sent),
    status: 'CREATING',
    labels,
    labelFingerprint: fingerprint(labels),
    sourceDisk: disk.selfLink,
    sourceDiskId: disk.id,
    diskSizeGb: disk.sizeGb,
    architecture: disk.architecture,
    snapshotType: 'STANDARD',
    creationSizeBytes: '0',
    storageBytes: '0',
    storageBytesStatus: 'UPDATING',
    autoCreated: false,
    licenses: disk.licenses,
    guestOsFeatures: disk.guestOsFeatures,
    ...(guestFlush ? { guestFlush } : {}),
  }
}

async function copyDisk(cloud: Cloud, disk: string, snapshot: string): Promise<void> {
  const { id, sourceDiskId } = cloud.get<Snapshot>('snapshots', snapshot)
  const bytes = await cloud.hypervisor.snapshotDisk(cloud.diskFolder(disk), cloud.snapshotFolder(id), machineUsing(cloud, disk))
  const own = String(
    await cloud.hypervisor.snapshotBytes(cloud.snapshotFolder(id), folderOf(cloud, chainOf(cloud, sourceDiskId).at(-1))),
  )
  const storage = { creationSizeBytes: own, storageBytes: own, storageBytesStatus: 'UP_TO_DATE', downloadBytes: String(bytes) }
  await cloud.patch<Snapshot>('snapshots', snapshot, { ...storage, status: 'READY' })
}

const folderOf = (cloud: Cloud, snapshot?: Snapshot): string | undefined => snapshot && cloud.snapshotFolder(snapshot.id)

/** A disk's snapshots, oldest first: each holds only what has changed since the one before. */
const chainOf = (cloud: Cloud, diskId: string): Snapshot[] =>
  cloud
    .all<Snapshot>('snapshots')
    .filter(({ sourceDiskId, status }) => sourceDiskId === diskId && (status === 'READY' || status === 'DELETING'))
    .sort((left, right) => Date.parse(left.creationTimestamp) - Date.parse(right.creationTimestamp))

/** Blocks of the deleted snapshot that the next one in the chain still needs become part of that one. */
async function remove(cloud: Cloud, snapshot: Snapshot): Promise<void> {
  const chain = chainOf(cloud, snapshot.sourceDiskId)
  const at = chain.findIndex(({ id }) => id === snapshot.id)
  const [before, after] = at < 0 ? [] : [chain[at - 1], chain[at + 1]]
  await cloud.hypervisor.deleteSnapshot(cloud.snapshotFolder(snapshot.id))
  await cloud.delete('snapshots', pathOfResource(snapshot))
  if (!after) return
  const bytes = await cloud.hypervisor.snapshotBytes(cloud.snapshotFolder(after.id), folderOf(cloud, before))
  if (cloud.find('snapshots', pathOfResource(after))) {
    await cloud.patch<Snapshot>('snapshots', pathOfResource(after), { storageBytes: String(bytes) })
  }
}
