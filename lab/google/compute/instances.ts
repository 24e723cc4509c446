import { conditionNotMet, invalid, notFound } from '../http/errors.ts'
import type { Call, Router } from '../http/router.ts'
import { type Cloud, mutating, placeOf } from './cloud.ts'
import { setUsers } from './disk.ts'
import { asked, checkFree, type Family, serveReading, serveSetLabels } from './family.ts'
import { type Instance, type InstanceStatus, machineIdOf, metadataValue } from './instance.ts'
import { checkStatus, current, ROUTE, serveInstanceSettings } from './instance-settings.ts'
import { newInstance } from './new-instance.ts'
import type { Operation } from './operations.ts'
import { servePreemption } from './preemption.ts'
import { checkQuota } from './quota.ts'
import { checkName, pathOfResource, segmentAfter } from './resource.ts'

const family: Family = { collection: 'instances', kind: 'compute#instance', scope: 'zone' }

export function serveInstances(router: Router, cloud: Cloud): void {
  serveReading(router, cloud, family)
  serveSetLabels(router, cloud, family)
  serveLife(router, cloud)
  servePower(router, cloud)
  servePreemption(router, cloud)
  serveInstanceSettings(router, cloud)
  serveGuest(router, cloud)
}

function serveLife(router: Router, cloud: Cloud): void {
  router.post(
    ROUTE,
    mutating(cloud, async call => {
      const sent = await call.json()
      const path = `${placeOf(call)}/instances/${checkName(sent.name)}`
      checkFree(cloud, 'instances', path)
      const { instance, disks } = newInstance(cloud, path, sent)
      checkQuota(cloud, 'instances', instance)
      const work = { work: 'instances.insert', arguments: { disks: disks.map(pathOfResource) } }
      const operation = cloud.operations.begin({ ...asked(call), ...work, type: 'insert', target: path, targetId: instance.id })
      const written = [...disks.map(disk => cloud.put('disks', disk)), cloud.put('instances', instance)]
      for (const { source } of instance.disks) written.push(setUsers(cloud, source, [instance.selfLink]))
      await Promise.all(written)
      return operation
    }),
  )

  router.delete(
    `${ROUTE}/{name}`,
    mutating(cloud, async call => {
      const [path, instance] = current(cloud, call)
      if (instance.deletionProtection) {
        throw invalid(
          `Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.`,
          'invalidResourceUsage',
        )
      }
      return powered(cloud, call, 'delete', path, instance, 'STOPPING')
    }),
  )
}

/** Begins an operation that turns an instance on or off, and sets its status immediately. */
async function powered(
  cloud: Cloud,
  call: Call,
  type: string,
  path: string,
  instance: Instance,
  status: InstanceStatus,
): Promise<Operation> {
  const operation = cloud.operations.begin({
    ...asked(call),
    type,
    work: `instances.${type}`,
    target: path,
    targetId: instance.id,
  })
  await cloud.patch<Instance>('instances', path, { status })
  return operation
}

/** An operation that has nothing to do, such as stopping a stopped instance, is done immediately. */
const nothingToDo = (cloud: Cloud, call: Call, type: string, path: string, { id }: Instance): Operation =>
  cloud.operations.begin({ ...asked(call), type, target: path, targetId: id })

function servePower(router: Router, cloud: Cloud): void {
  router.post(
    `${ROUTE}/{name}/start`,
    mutating(cloud, call => {
      const [path, instance] = current(cloud, call)
      if (instance.status === 'RUNNING') return nothingToDo(cloud, call, 'start', path, instance)
      checkStatus(path, instance, 'TERMINATED')
      return powered(cloud, call, 'start', path, instance, 'STAGING')
    }),
  )
  router.post(
    `${ROUTE}/{name}/stop`,
    mutating(cloud, call => {
      const [path, instance] = current(cloud, call)
      if (instance.status === 'TERMINATED') return nothingToDo(cloud, call, 'stop', path, instance)
      return powered(cloud, call, 'stop', path, instance, 'STOPPING')
    }),
  )
  router.post(
    `${ROUTE}/{name}/reset`,
    mutating(cloud, call => {
      const [path, instance] = current(cloud, call)
      checkStatus(path, instance, 'RUNNING')
      return powered(cloud, call, 'reset', path, instance, 'RUNNING')
    }),
  )
}

/** What the guest has published: its console output and guest attributes. */
function serveGuest(router: Router, cloud: Cloud): void {
  router.get(`${ROUTE}/{name}/serialPort`, async call => {
    const [path, { selfLink }] = current(cloud, call)
    const output = Buffer.from(await cloud.hypervisor.consoleOutput(machineIdOf(path)))
    const start = Math.min(Number(call.query.get('start') ?? 0), output.length)
    const contents = output.subarray(start).toString()
    return {
      json: {
        kind: 'compute#serialPortOutput',
        contents,
        start: String(start),
        next: String(output.length),
        selfLink: `${selfLink}/serialPort`,
      },
    }
  })

  router.get(`${ROUTE}/{name}/getGuestAttributes`, call => {
    const [path, instance] = current(cloud, call)
    if (!publishesGuestAttributes(cloud, instance)) {
      throw conditionNotMet('The metadata key enable-guest-attributes must be TRUE for guest attributes.')
    }
    const query = call.query.get('queryPath') ?? call.query.get('variableKey') ?? ''
    const items = cloud.guestAttributes.query(path, query)
    if (items.length === 0) throw notFound(`${path}/guestAttributes/${query}`)
    const found = call.query.has('variableKey')
      ? { variableKey: query, variableValue: items[0]?.value }
      : { queryPath: query, queryValue: { items } }
    return { json: { kind: 'compute#guestAttributes', ...found, selfLink: `${instance.selfLink}/guestAttributes` } }
  })
}

/** The instance overrides its project. */
export function publishesGuestAttributes(cloud: Cloud, instance: Instance): boolean {
  const key = 'enable-guest-attributes'
  const project = segmentAfter(pathOfResource(instance), 'projects') ?? ''
  const shared = cloud.projectMetadata(project).items?.find(item => item.key === key)?.value
  return (metadataValue(instance, key) ?? shared)?.toUpperCase() === 'TRUE'
}
