import { randomInt } from 'node:crypto'
import { PROJECT } from './compute/catalogue.ts'
import { ApiError, invalid, notFound } from './http/errors.ts'
import type { Call, Router } from './http/router.ts'
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

/** The part of IAM that manages service accounts. */
export async function serveServiceAccounts(router: Router, state: State): Promise<ServiceAccounts> {
  const accounts = new ServiceAccounts(await state.open<ServiceAccount>('service-accounts', ({ name }) => name))

  router.get(ROUTE, call => ({ json: { accounts: accounts.all().filter(({ projectId }) => projectId === projectOf(call)) } }))
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
  router.delete(`${ROUTE}/{account}`, async call => {
    await accounts.delete(accounts.get(projectOf(call), call.param('account')))
    return { json: {} }
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
  return accounts
}

/** `-` stands for whatever project the account belongs to. */
const projectOf = (call: Call): string => {
  const project = call.param('project')
  return project === '-' ? PROJECT.id : project
}

export class ServiceAccounts {
  readonly #accounts: Collection<ServiceAccount>

  constructor(accounts: Collection<ServiceAccount>) {
    this.#accounts = accounts
  }

  all(): ServiceAccount[] {
    return this.#accounts.all()
  }

  /** By email or unique id. @throws ApiError 404 */
  get(project: string, account: string): ServiceAccount {
    const found = this.all().find(({ email, uniqueId, projectId }) => {
      return projectId === project && (email === account || uniqueId === account)
    })
    if (!found) throw notFound(`projects/${project}/serviceAccounts/${account}`)
    return found
  }

  async create(project: string, accountId: string, sent: Partial<ServiceAccount>): Promise<ServiceAccount> {
    if (project !== PROJECT.id) throw notFound(`projects/${project}`)
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
