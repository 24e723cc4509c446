import { findProject, type Project, projects } from './compute/catalogue.ts'
import { ApiError } from './http/errors.ts'
import type { Call, Router } from './http/router.ts'
import type { Policies, Policy } from './policies.ts'

const ROUTE = '/v1/projects/{project}'

/** The part of Resource Manager that handles projects and their IAM policies. */
export function serveProjects(router: Router, policies: Policies): void {
  router.get(ROUTE, call => ({ json: describe(existing(call)) }))
  router.get('/v1/projects', () => ({ json: { projects: projects.map(describe) } }))
  // This is Cloud Billing's; Terraform reads it along with a project.
  router.get(`${ROUTE}/billingInfo`, call => {
    const project = existing(call).id
    const name = `projects/${project}/billingInfo`
    return {
      json: { name, projectId: project, billingAccountName: 'billingAccounts/000000-000000-000000', billingEnabled: true },
    }
  })
  router.post(`${ROUTE}:getIamPolicy`, call => ({ json: policies.get(`projects/${existing(call).id}`) }))
  router.post(`${ROUTE}:setIamPolicy`, async call => {
    const { id } = existing(call)
    const { policy = {} } = await call.json<{ policy?: Policy }>()
    return { json: await policies.set(`projects/${id}`, policy) }
  })
  router.post(`${ROUTE}:testIamPermissions`, async call => {
    existing(call)
    const { permissions = [] } = await call.json<{ permissions?: string[] }>()
    return { json: { permissions } }
  })
}

/** @throws ApiError 403, as Google answers for an unknown project or one of somebody else's */
export function existing(call: Call): Project {
  const project = findProject(call.param('project'))
  if (project) return project
  throw new ApiError(403, 'forbidden', 'The caller does not have permission')
}

const describe = ({ id, number }: Project) => ({
  projectNumber: number,
  projectId: id,
  lifecycleState: 'ACTIVE',
  name: id,
  createTime: '2025-10-01T07:00:00.000Z',
})
