import { invalid, required } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import { type Cloud, mutating, newResource } from './cloud.ts'
import type { Disk } from './disks.ts'
import { asked, checkFree, type Family, pathIn, routeOf, serveReading, serveSetLabels } from './family.ts'
import { type Operation, OperationError } from './operations.ts'
import {
  checkLabels,
  checkName,
  fingerprint,
  lastSegment,
  pathOf,
  pathOfResource,
  type Resource,
  segmentAfter,
} from './resource.ts'

export interface Snapshot extends Resource {
  status: 'CREATING' | 'UPLOADING' | 'READY' | 'FAILED' | 'DELETING'
  diskSizeGb: string
  architecture: string
  sourceDisk: string
  sourceDiskId: string
  storageBytes: string
}

const snapshotFamily: Family = { collection: 'snapshots', kind: 'compute#snapshot', scope: 'global' }
const ROUTE = routeOf('global', 'snapshots')

export function serveSnapshots(router: Router, cloud: Cloud): void {
  serveReading(router, cloud, snapshotFamily)
  serveSetLabels(router, cloud, snapshotFamily)
  serveCreation(router, cloud)

  cloud.operations.register('snapshots.delete', async path => {
    const snapshot = cloud.find<Snapshot>('snapshots', path)
    if (!snapshot) return
    await cloud.hypervisor.deleteSnapshot(cloud.snapshotFolder(snapshot.id))
    await cloud.delete('snapshots', path)
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

/** Two ways to the same: Terraform and the Node client ask the disk, gcloud the collection of snapshots. */
function serveCreation(router: Router, cloud: Cloud): void {
  cloud.operations.register('snapshots.create', async (_, { snapshot, disk }, resumed) => {
    try {
      // What is on the disk by now is not what it was when the snapshot was asked for.
      if (resumed) throw new OperationError('INTERNAL_ERROR', 'The snapshot was interrupted by a restart.')
      await copyDisk(cloud, String(disk), String(snapshot))
    } catch (error) {
      await cloud.patch<Snapshot>('snapshots', String(snapshot), { status: 'FAILED' })
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
  const snapshot = describe(path, disk, sent, call.query.get('guestFlush') === 'true')
  const target = type === 'insert' ? { target: path, targetId: snapshot.id } : { target: diskPath, targetId: disk.id }
  const work = { type, work: 'snapshots.create', arguments: { snapshot: path, disk: diskPath } }
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
    ...(disk.licenses ? { licenses: disk.licenses } : {}),
    ...(guestFlush ? { guestFlush } : {}),
  }
}

async function copyDisk(cloud: Cloud, disk: string, snapshot: string): Promise<void> {
  const { id } = cloud.get<Snapshot>('snapshots', snapshot)
  const bytes = await cloud.hypervisor.snapshotDisk(
    cloud.diskFolder(disk),
    cloud.snapshotFolder(id),
    runningMachine(cloud, disk),
  )
  const storage = { storageBytes: String(bytes), storageBytesStatus: 'UP_TO_DATE', downloadBytes: String(bytes) }
  await cloud.patch<Snapshot>('snapshots', snapshot, { ...storage, status: 'READY' })
}

/** The machine that runs from a disk: its processes stand still while the disk is copied. */
function runningMachine(cloud: Cloud, diskPath: string): string | undefined {
  const { users = [], zone } = cloud.get<Disk>('disks', diskPath)
  const project = segmentAfter(diskPath, 'projects') ?? ''
  const user = users
    .map(link => cloud.find('instances', pathOf(link, project)))
    .find(instance => instance?.status === 'RUNNING')
  return user && `${project}/${lastSegment(String(zone))}/${user.name}`
}
