import { invalid, invalidField, notFound, required } from '../http/errors.ts'
import type { Router } from '../http/router.ts'
import { type Cloud, mutating } from './cloud.ts'
import { type Instance, isSpot } from './instance.ts'
import { checkStatus, current, ROUTE } from './instance-settings.ts'
import { PREEMPTION_GRACE_MS } from './machines.ts'
import type { Operation } from './operations.ts'
import { linkTo, pathOfResource } from './resource.ts'

/** A simulated maintenance event preempts a spot machine, and so does the lab's own `/lab/preempt`. */
export function servePreemption(router: Router, cloud: Cloud): void {
  router.post(
    `${ROUTE}/{name}/simulateMaintenanceEvent`,
    mutating(cloud, call => preempt(cloud, current(cloud, call)[1])),
  )
  router.post('/lab/preempt', async call => {
    const { project, instance: name, graceSeconds } = await call.json()
    if (typeof project !== 'string') throw required('project')
    if (typeof name !== 'string') throw required('instance')
    const instance = cloud
      .all<Instance>('instances')
      .find(candidate => candidate.name === name && candidate.selfLink.startsWith(linkTo(`projects/${project}/`)))
    if (!instance) throw notFound(`projects/${project}/instances/${name}`)
    const graceMs = Math.min(Number(graceSeconds ?? PREEMPTION_GRACE_MS / 1000) * 1000, PREEMPTION_GRACE_MS)
    if (!(graceMs >= 0)) throw invalidField('graceSeconds', graceSeconds, 'Must be a number of seconds.')
    const operation = preempt(cloud, instance, graceMs)
    await cloud.operations.recorded()
    return { json: operation }
  })
}

/** @param graceMs between the notice and the power-off @throws ApiError 400 unless it is a running spot machine */
export function preempt(cloud: Cloud, instance: Instance, graceMs = PREEMPTION_GRACE_MS): Operation {
  const path = pathOfResource(instance)
  if (!isSpot(instance)) throw invalid(`Instance '${instance.name}' is not a spot instance, and is never preempted.`)
  checkStatus(path, instance, 'RUNNING')
  return cloud.operations.begin({
    type: 'compute.instances.preempted',
    work: 'instances.preempted',
    arguments: { graceMs },
    target: path,
    targetId: instance.id,
    user: 'system',
  })
}
