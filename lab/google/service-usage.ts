import { PROJECT } from './compute/catalogue.ts'
import { ApiError, invalid, invalidField, notFound } from './http/errors.ts'
import type { Call, Router } from './http/router.ts'
import type { State } from './state.ts'

interface Enabled {
  project: string
  service: string
}

const ROUTE = '/v1/projects/{project}/services'
const LARGEST_BATCH = 20
const SERVICE = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*\.googleapis\.com$/

/** Which of Google's services the project has enabled. Its operations are done when they are answered. */
export async function serveServiceUsage(router: Router, state: State): Promise<void> {
  const enabled = await state.open<Enabled>('services', ({ project, service }) => `${project}/${service}`)
  const isEnabled = (service: string): boolean => enabled.get(`${PROJECT.id}/${service}`) !== undefined
  const describe = (service: string) => ({
    name: `projects/${PROJECT.number}/services/${service}`,
    config: { name: service, title: service },
    state: isEnabled(service) ? 'ENABLED' : 'DISABLED',
    parent: `projects/${PROJECT.number}`,
  })

  router.get(ROUTE, call => {
    checkProject(call)
    const filter = call.query.get('filter')
    if (filter && filter !== 'state:ENABLED') throw invalidField('filter', filter, 'Only state:ENABLED is known.')
    return { json: { services: enabled.all().map(({ service }) => describe(service)) } }
  })
  router.get(`${ROUTE}/{service}`, call => {
    checkProject(call)
    return { json: describe(known(call.param('service'))) }
  })
  router.post(`${ROUTE}:batchEnable`, async call => {
    checkProject(call)
    const { serviceIds = [] } = await call.json<{ serviceIds?: string[] }>()
    if (serviceIds.length > LARGEST_BATCH) throw invalid(`At most ${LARGEST_BATCH} services are enabled at once.`)
    await Promise.all(serviceIds.map(service => enabled.put({ project: PROJECT.id, service: known(service) })))
    return { json: done({ services: serviceIds.map(describe) }) }
  })
  router.post(`${ROUTE}/{service}:enable`, async call => {
    checkProject(call)
    await enabled.put({ project: PROJECT.id, service: known(call.param('service')) })
    return { json: done({ service: describe(call.param('service')) }) }
  })
  router.post(`${ROUTE}/{service}:disable`, async call => {
    checkProject(call)
    await enabled.delete(`${PROJECT.id}/${known(call.param('service'))}`)
    return { json: done({ service: describe(call.param('service')) }) }
  })
}

function checkProject(call: Call): void {
  if (![PROJECT.id, PROJECT.number].includes(call.param('project') as never)) {
    throw new ApiError(403, 'forbidden', 'The caller does not have permission')
  }
}

function known(service: string): string {
  if (!SERVICE.test(service)) throw notFound(`services/${service}`)
  return service
}

/** Google's name for an operation that needs no waiting for. */
const done = (response: object) => ({ name: 'operations/noop.DONE_OPERATION', done: true, response })
