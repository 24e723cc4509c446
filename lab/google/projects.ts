import { PROJECT } from './compute/catalogue.ts'
import { fingerprint } from './compute/resource.ts'
import { ApiError, invalid } from './http/errors.ts'
import type { Call, Router } from './http/router.ts'
import type { ServiceAccounts } from './iam.ts'
import type { State } from './state.ts'

interface Binding {
  role: string
  members: string[]
  condition?: object
}

interface Policy {
  version?: number
  etag?: string
  bindings?: Binding[]
  auditConfigs?: object[]
}

interface StoredPolicy extends Policy {
  project: string
}

const ROUTE = '/v1/projects/{project}'
const MEMBER = /^(user|group|domain|serviceAccount|deleted:serviceAccount):.+|^(allUsers|allAuthenticatedUsers)$/

/** The part of Resource Manager that knows projects and who may do what in them. */
export async function serveProjects(router: Router, state: State, accounts: ServiceAccounts): Promise<void> {
  const policies = await state.open<StoredPolicy>('iam-policies', ({ project }) => project)
  const policyOf = (project: string): Policy => {
    const { project: _, ...policy } = policies.get(project) ?? { project, version: 1, bindings: [] }
    return { ...policy, etag: fingerprint(policy.bindings) }
  }

  router.get(ROUTE, call => ({ json: describe(existing(call)) }))
  router.get('/v1/projects', () => ({ json: { projects: [describe(PROJECT.id)] } }))
  // Cloud Billing's, which Terraform reads along with a project.
  router.get(`${ROUTE}/billingInfo`, call => {
    const project = existing(call)
    const name = `projects/${project}/billingInfo`
    return {
      json: { name, projectId: project, billingAccountName: 'billingAccounts/000000-000000-000000', billingEnabled: true },
    }
  })
  router.post(`${ROUTE}:getIamPolicy`, call => ({ json: policyOf(existing(call)) }))
  router.post(`${ROUTE}:setIamPolicy`, async call => {
    const project = existing(call)
    const { policy = {} } = await call.json<{ policy?: Policy }>()
    if (policy.etag && policy.etag !== policyOf(project).etag) {
      throw new ApiError(
        409,
        'aborted',
        'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
      )
    }
    const { etag: _, ...rest } = policy
    checkBindings(rest.bindings ?? [], membersOf(policyOf(project)), accounts)
    await policies.put({ version: 1, ...rest, project })
    return { json: policyOf(project) }
  })
  router.post(`${ROUTE}:testIamPermissions`, async call => {
    existing(call)
    const { permissions = [] } = await call.json<{ permissions?: string[] }>()
    return { json: { permissions } }
  })
}

const membersOf = ({ bindings = [] }: Policy): Set<string> => new Set(bindings.flatMap(({ members }) => members))

/**
 * Google refuses new members that do not exist, which is how a misspelt account shows; those that were there stay, their
 * account may have been deleted since.
 */
function checkBindings(bindings: Binding[], present: ReadonlySet<string>, accounts: ServiceAccounts): void {
  const known = new Set(accounts.all().map(({ email }) => email))
  for (const { role, members } of bindings) {
    if (!/^(roles|projects\/[^/]+\/roles)\/[\w.]+$/.test(role))
      throw invalid(`Role ${role} is not supported for this resource.`)
    for (const member of members) {
      if (present.has(member)) continue
      if (!MEMBER.test(member)) throw invalid(`Invalid member ${member}.`)
      const email = member.startsWith('serviceAccount:') ? member.slice('serviceAccount:'.length) : undefined
      if (email?.endsWith(`@${PROJECT.id}.iam.gserviceaccount.com`) && !known.has(email)) {
        throw invalid(`Service account ${email} does not exist.`)
      }
    }
  }
}

/** @throws ApiError 403, as Google answers for projects that are unknown or not the caller's. */
function existing(call: Call): string {
  const project = call.param('project')
  if (project === PROJECT.id || project === PROJECT.number) return PROJECT.id
  throw new ApiError(403, 'forbidden', `The caller does not have permission`)
}

const describe = (project: string) => ({
  projectNumber: PROJECT.number,
  projectId: project,
  lifecycleState: 'ACTIVE',
  name: project,
  createTime: '2025-10-01T07:00:00.000Z',
})
