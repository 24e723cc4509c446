import type { Project } from './compute/catalogue.ts'
import { invalid, invalidField, notFound } from './http/errors.ts'
import type { Router } from './http/router.ts'
import { existing } from './projects.ts'
import type { State } from './state.ts'

interface Enabled {
  project: string
  service: string
}

const ROUTE = '/v1/projects/{project}/services'
const LARGEST_BATCH = 20
const SERVICE = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*\.googleapis\.com$/

/** Which of Google's services a project has enabled. Operations are already done when they are returned. */
export async function serveServiceUsage(router: Router, state: State): Promise<void> {
  const enabled = await state.open<Enabled>('services', ({ project, service }) => `${project}/${service}`)
  const describe = ({ id, number }: Project, service: string) => ({
    name: `projects/${number}/services/${service}`,
    config: { name: service, title: service },
    state: enabled.get(`${id}/${service}`) ? 'ENABLED' : 'DISABLED',
    parent: `projects/${number}`,
  })

  router.get(ROUTE, call => {
    const project = existing(call)
    const filter = call.query.get('filter')
    if (filter && filter !== 'state:ENABLED') throw invalidField('filter', filter, 'Only state:ENABLED is supported.')
    return {
      json: { services: enabled.all().flatMap(one => (one.project === project.id ? [describe(project, one.service)] : [])) },
    }
  })
  router.get(`${ROUTE}/{service}`, call => {
    return { json: describe(existing(call), known(call.param('service'))) }
  })
  router.post(`${ROUTE}:batchEnable`, async call => {
    const project = existing(call)
    const { serviceIds = [] } = await call.json<{ serviceIds?: string[] }>()
    if (serviceIds.length > LARGEST_BATCH) throw invalid(`At most ${LARGEST_BATCH} services are enabled at once.`)
    await Promise.all(serviceIds.map(service => enabled.put({ project: project.id, service: known(service) })))
    return { json: done({ services: serviceIds.map(service => describe(project, service)) }) }
  })
  router.post(`${ROUTE}/{service}:enable`, async call => {
    const project = existing(call)
    await enabled.put({ project: project.id, service: known(call.param('service')) })
    return { json: done({ service: describe(project, call.param('service')) }) }
  })
  router.post(`${ROUTE}/{service}:disable`, async call => {
    const project = existing(call)
    await enabled.delete(`${project.id}/${known(call.param('service'))}`)
    return { json: done({ service: describe(project, call.param('service')) }) }
  })
}

function known(service: string): string {
  if (!SERVICE.test(service)) throw notFound(`services/${service}`)
  return service
}

/** Google's form of an operation that is already done. */
const done = (response: object) => ({ name: 'operations/noop.DONE_OPERATION', done: true, response })
