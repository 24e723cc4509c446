import { invalid, invalidField } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import { attachment } from './attached-disks.ts'
import { machineType } from './catalogue.ts'
import { type Cloud, mutating } from './cloud.ts'
import { diskAt, setUsers } from './disk.ts'
import { asked, pathIn, routeOf } from './family.ts'
import type { Instance, InstanceStatus, ServiceAccount } from './instance.ts'
import { completeMetadata } from './metadata.ts'
import { accessConfig, checkTags, completeAccounts, completeScheduling } from './new-instance.ts'
import { checkFingerprint, fingerprint, lastSegment } from './resource.ts'

export const ROUTE = routeOf('zone', 'instances')

/** The instance that a call names, with its path. @throws ApiError 404 */
export const current = (cloud: Cloud, call: Call): [string, Instance] => {
  const path = pathIn(call, 'instances')
  return [path, cloud.get<Instance>('instances', path)]
}

/** @throws ApiError 400 when the instance has another status */
export function checkStatus(path: string, { status }: Instance, wanted: InstanceStatus): void {
  if (status !== wanted) throw invalid(`The resource '${path}' is not ready`, 'resourceNotReady')
}

/** One setting: its verb, and how it changes the instance. */
function serveSetting(
  router: Router,
  cloud: Cloud,
  verb: string,
  apply: (instance: Instance, sent: Record<string, unknown>, call: Call) => Partial<Instance>,
  method: 'POST' | 'PATCH' = 'POST',
): void {
  router.on(
    method,
    `${ROUTE}/{name}/${verb}`,
    mutating(cloud, async call => {
      const sent = await call.json()
      const [path, instance] = current(cloud, call)
      const changes = apply(instance, sent, call)
      const operation = cloud.operations.begin({ ...asked(call), type: verb, target: path, targetId: instance.id })
      await cloud.patch<Instance>('instances', path, changes)
      return operation
    }),
  )
}

export function serveInstanceSettings(router: Router, cloud: Cloud): void {
  serveAttachments(router, cloud)
  serveSetting(router, cloud, 'setMetadata', ({ metadata }, sent) => {
    checkFingerprint('metadata.fingerprint', sent.fingerprint, metadata.fingerprint)
    return { metadata: completeMetadata(sent) }
  })
  serveSetting(router, cloud, 'setTags', ({ tags }, sent) => {
    checkFingerprint('tags.fingerprint', sent.fingerprint, tags.fingerprint)
    const items = checkTags((sent.items ?? []) as string[])
    return { tags: { ...(items.length > 0 ? { items } : {}), fingerprint: fingerprint(items) } }
  })
  serveSetting(router, cloud, 'setScheduling', ({ scheduling }, sent) => {
    const changed = completeScheduling(sent)
    if (changed.preemptible !== scheduling.preemptible) throw invalid('Scheduling: preemptible cannot be changed.')
    return { scheduling: changed }
  })
  serveSetting(router, cloud, 'setServiceAccount', (instance, sent, call) => {
    stopped(instance)
    const accounts = sent.email ? [sent as unknown as ServiceAccount] : []
    return { serviceAccounts: completeAccounts(call.param('project'), accounts) }
  })
  serveSetting(router, cloud, 'setMachineType', (instance, sent, call) => {
    stopped(instance)
    const type = lastSegment(String(sent.machineType))
    return { machineType: machineType(call.param('project'), call.param('zone'), type).selfLink }
  })
  serveSetting(router, cloud, 'setDeletionProtection', (_, __, call) => ({
    deletionProtection: call.flag('deletionProtection', true),
  }))
  serveSetting(router, cloud, 'setDiskAutoDelete', ({ disks }, _, call) => {
    const name = call.query.get('deviceName')
    if (!disks.some(disk => disk.deviceName === name)) throw invalidField('deviceName', name, 'No such disk is attached.')
    const autoDelete = call.flag('autoDelete')
    return { disks: disks.map(disk => (disk.deviceName === name ? { ...disk, autoDelete } : disk)) }
  })
  serveAccessConfigs(router, cloud)
  for (const [verb, field] of [
    ['updateShieldedInstanceConfig', 'shieldedInstanceConfig'],
    ['setShieldedInstanceIntegrityPolicy', 'shieldedInstanceIntegrityPolicy'],
    ['updateDisplayDevice', 'displayDevice'],
  ] as const) {
    serveSetting(router, cloud, verb, (instance, sent) => ({ [field]: { ...(instance[field] as object), ...sent } }), 'PATCH')
  }
}

/** A machine has one interface, which has at most one external address. */
function serveAccessConfigs(router: Router, cloud: Cloud): void {
  serveSetting(router, cloud, 'addAccessConfig', ({ networkInterfaces }, sent) => {
    if (networkInterfaces[0]?.accessConfigs?.length) throw invalid('At most one access config currently supported.')
    const accessConfigs = [accessConfig(cloud, sent)]
    return { networkInterfaces: networkInterfaces.map(nic => ({ ...nic, accessConfigs })) }
  })
  serveSetting(router, cloud, 'deleteAccessConfig', ({ networkInterfaces }, _, call) => {
    const name = call.query.get('accessConfig')
    if (!networkInterfaces[0]?.accessConfigs?.some(config => config.name === name)) {
      throw invalidField('accessConfig', name, 'The instance has no such access config.')
    }
    return {
      networkInterfaces: networkInterfaces.map(({ accessConfigs: _, ...nic }) => nic as typeof nic & { networkIP: string }),
    }
  })
}

function stopped({ name, status }: Instance): void {
  if (status !== 'TERMINATED') throw invalid(`Instance '${name}' must be stopped for this.`, 'operationNotAllowed')
}

function serveAttachments(router: Router, cloud: Cloud): void {
  router.post(
    `${ROUTE}/{name}/attachDisk`,
    mutating(cloud, async call => {
      const sent = await call.json()
      const [path, instance] = current(cloud, call)
      const disk = diskAt(cloud, sent.source, path)
      const index = 1 + Math.max(-1, ...instance.disks.map(attached => attached.index))
      const disks = [...instance.disks, attachment(disk, sent, index)]
      const operation = cloud.operations.begin({ ...asked(call), type: 'attachDisk', target: path, targetId: instance.id })
      await Promise.all([
        cloud.patch<Instance>('instances', path, { disks }),
        setUsers(cloud, disk.selfLink, [instance.selfLink]),
      ])
      return operation
    }),
  )
  router.post(
    `${ROUTE}/{name}/detachDisk`,
    mutating(cloud, async call => {
      const [path, instance] = current(cloud, call)
      const name = call.query.get('deviceName')
      const detached = instance.disks.find(disk => disk.deviceName === name)
      if (!detached) throw invalidField('deviceName', name, 'No such disk is attached.')
      if (detached.boot) stopped(instance)
      const disks = instance.disks.filter(disk => disk !== detached)
      const operation = cloud.operations.begin({ ...asked(call), type: 'detachDisk', target: path, targetId: instance.id })
      await Promise.all([cloud.patch<Instance>('instances', path, { disks }), setUsers(cloud, detached.source, [])])
      return operation
    }),
  )
}
