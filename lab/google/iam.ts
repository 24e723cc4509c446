import { randomInt } from 'node:crypto'
import { projectNamed } from './compute/catalogue.ts'
import { ApiError, invalid, notFound } from './http/errors.ts'
import type { Call, Router } from './http/router.ts'
import type { Policies, Policy } from './policies.ts'
import type { Collection, State } from './state.ts'

/** A service account as IAM describes it. */
interface ServiceAccount {
  /** `projects/<project>/serviceAccounts/<email>` */
  name: string
  projectId: string
  /** 21 decimal digits. */
  uniqueId: string
  email: string
  displayName?: string
  description?: string
  etag: string
  oauth2ClientId: string
  disabled?: boolean
}

const ACCOUNT_ID = /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/
const ROUTE = '/v1/projects/{project}/serviceAccounts'

/** https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/list */
const [USUAL_PAGE, LARGEST_PAGE] = [20, 100]

/** The service accounts of IAM. */
export function serveServiceAccounts(router: Router, accounts: ServiceAccounts, policies: Policies): void {
  serveAccounts(router, accounts)
  serveAccountPolicies(router, accounts, policies)
  router.delete(`${ROUTE}/{account}`, async call => {
    const account = accounts.get(projectOf(call), call.param('account'))
    await Promise.all([accounts.delete(account), policies.delete(account.name)])
    return { json: {} }
  })
}

function serveAccounts(router: Router, accounts: ServiceAccounts): void {
  router.get(ROUTE, call => ({ json: list(call, accounts.in(projectOf(call))) }))
  router.post(ROUTE, async call => {
    const { accountId, serviceAccount } = await call.json<{ accountId?: string; serviceAccount?: Partial<ServiceAccount> }>()
    return { json: await accounts.create(projectOf(call), accountId ?? '', serviceAccount ?? {}) }
  })
  router.get(`${ROUTE}/{account}`, call => ({ json: accounts.get(projectOf(call), call.param('account')) }))
  router.patch(`${ROUTE}/{account}`, async call => {
    const { serviceAccount = {}, updateMask = '' } = await call.json<{
      serviceAccount?: Partial<ServiceAccount>
      updateMask?: string
    }>()
    const account = accounts.get(projectOf(call), call.param('account'))
    const masked = updateMask.split(',').map(field => field.trim().replace('display_name', 'displayName'))
    const { displayName, description } = serviceAccount
    return {
      json: await accounts.change(account, {
        ...(masked.includes('displayName') && displayName !== undefined ? { displayName } : {}),
        ...(masked.includes('description') && description !== undefined ? { description } : {}),
      }),
    }
  })
  for (const [verb, disabled] of [
    ['enable', false],
    ['disable', true],
  ] as const) {
    router.post(`${ROUTE}/{account}:${verb}`, async call => {
      await accounts.change(accounts.get(projectOf(call), call.param('account')), { disabled })
      return { json: {} }
    })
  }
}

function serveAccountPolicies(router: Router, accounts: ServiceAccounts, policies: Policies): void {
  const named = (call: Call) => accounts.get(projectOf(call), call.param('account')).name
  router.post(`${ROUTE}/{account}:getIamPolicy`, call => ({ json: policies.get(named(call)) }))
  router.post(`${ROUTE}/{account}:setIamPolicy`, async call => {
    const { policy = {} } = await call.json<{ policy?: Policy }>()
    return { json: await policies.set(named(call), policy) }
  })
  router.post(`${ROUTE}/{account}:testIamPermissions`, async call => {
    named(call)
    const { permissions = [] } = await call.json<{ permissions?: string[] }>()
    return { json: { permissions } }
  })
}

function list(call: Call, all: ServiceAccount[]): object {
  const size = Math.min(Number(call.query.get('pageSize')) || USUAL_PAGE, LARGEST_PAGE)
  const after = call.query.get('pageToken') ?? ''
  const rest = all.filter(({ email }) => email > after).sort((left, right) => (left.email < right.email ? -1 : 1))
  const accounts = rest.slice(0, size)
  return { ...(accounts.length > 0 && { accounts }), ...(rest.length > size && { nextPageToken: accounts.at(-1)?.email }) }
}

/** `-` means whatever project the account belongs to. */
const ANY_PROJECT = '-'

/** The id of the call's project. @throws ApiError 404 */
const projectOf = (call: Call): string => {
  const project = call.param('project')
  return project === ANY_PROJECT ? project : projectNamed(project).id
}

export class ServiceAccounts {
  readonly #accounts: Collection<ServiceAccount>

  private constructor(accounts: Collection<ServiceAccount>) {
    this.#accounts = accounts
  }

  static async open(state: State): Promise<ServiceAccounts> {
    return new ServiceAccounts(await state.open<ServiceAccount>('service-accounts', ({ name }) => name))
  }

  in(project: string): ServiceAccount[] {
    return this.#accounts.all().filter(({ projectId }) => project === ANY_PROJECT || projectId === project)
  }

  exists(email: string): boolean {
    return this.#accounts.all().some(account => account.email === email)
  }

  /** By email or unique id. @throws ApiError 404 */
  get(project: string, account: string): ServiceAccount {
    const found = this.in(project).find(({ email, uniqueId }) => email === account || uniqueId === account)
    if (!found) throw new ApiError(404, 'notFound', `Unknown service account: projects/${project}/serviceAccounts/${account}`)
    return found
  }

  async create(project: string, accountId: string, sent: Partial<ServiceAccount>): Promise<ServiceAccount> {
    if (project === ANY_PROJECT) throw notFound(`projects/${project}`)
    if (!ACCOUNT_ID.test(accountId))
      throw invalid(`The account ID "${accountId}" does not have a length between 6 and 30 or a valid form.`)
    const email = `${accountId}@${project}.iam.gserviceaccount.com`
    const name = `projects/${project}/serviceAccounts/${email}`
    if (this.#accounts.get(name)) {
      throw new ApiError(
        409,
        'alreadyExists',
        `Service account ${accountId} already exists within project projects/${project}.`,
      )
    }
    const uniqueId = `1${Array.from({ length: 20 }, () => randomInt(10)).join('')}`
    const { displayName, description } = sent
    const account = {
      name,
      projectId: project,
      uniqueId,
      email,
      displayName,
      description,
      etag: 'MDEwMjE5MjA=',
      oauth2ClientId: uniqueId,
    }
    await this.#accounts.put(account as ServiceAccount)
    return account as ServiceAccount
  }

  async change(account: ServiceAccount, changes: Partial<ServiceAccount>): Promise<ServiceAccount> {
    const changed = { ...account, ...changes }
    await this.#accounts.put(changed)
    return changed
  }

  delete({ name }: ServiceAccount): Promise<void> {
    return this.#accounts.delete(name)
  }
}
