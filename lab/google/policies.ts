import { projects } from './compute/catalogue.ts'
import { fingerprint } from './compute/resource.ts'
import { ApiError, invalid } from './http/errors.ts'
import type { Collection, State } from './state.ts'

/** https://cloud.google.com/iam/docs/reference/rest/v1/Policy */
interface Binding {
  role: string
  members: string[]
  condition?: object
}

export interface Policy {
  version?: number
  etag?: string
  bindings?: Binding[]
  auditConfigs?: object[]
}

interface StoredPolicy extends Policy {
  /** `projects/…`, `projects/…/serviceAccounts/…` or `buckets/…` */
  resource: string
}

const ROLE = /^(roles|projects\/[^/]+\/roles)\/[\w.]+$/
const MEMBER =
  /^(user|group|domain|serviceAccount|deleted:serviceAccount|project(Owner|Editor|Viewer)):.+|^(allUsers|allAuthenticatedUsers)$/
const SERVICE_ACCOUNT = 'serviceAccount:'

/** IAM policies: stored and returned, but not enforced in a lab. */
export class Policies {
  readonly #stored: Collection<StoredPolicy>
  readonly #accountExists: (email: string) => boolean

  private constructor(stored: Collection<StoredPolicy>, accountExists: (email: string) => boolean) {
    this.#stored = stored
    this.#accountExists = accountExists
  }

  static async open(state: State, accountExists: (email: string) => boolean): Promise<Policies> {
    return new Policies(await state.open<StoredPolicy>('policies', ({ resource }) => resource), accountExists)
  }

  get(resource: string): Policy {
    const { resource: _, ...policy } = this.#stored.get(resource) ?? { resource, version: 1 }
    return { ...policy, etag: fingerprint(policy) }
  }

  /** @throws ApiError 409 for an outdated etag, 400 for invalid roles and members */
  async set(resource: string, sent: Policy): Promise<Policy> {
    const present = this.get(resource)
    const { etag, ...policy } = sent
    if (etag && etag !== present.etag) {
      throw new ApiError(
        409,
        'aborted',
        'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
      )
    }
    this.#check(policy.bindings ?? [], new Set((present.bindings ?? []).flatMap(({ members }) => members)))
    await this.#stored.put({ version: 1, ...policy, resource })
    return this.get(resource)
  }

  delete(resource: string): Promise<void> {
    return this.#stored.delete(resource)
  }

  /**
   * Google rejects new members that do not exist, which reveals a misspelt account. Existing members may stay even if their
   * account has been deleted since.
   */
  #check(bindings: Binding[], present: ReadonlySet<string>): void {
    for (const { role, members } of bindings) {
      if (!ROLE.test(role)) throw invalid(`Role ${role} is not supported for this resource.`)
      for (const member of members) {
        if (present.has(member)) continue
        if (!MEMBER.test(member)) throw invalid(`Invalid member ${member}.`)
        const email = member.startsWith(SERVICE_ACCOUNT) ? member.slice(SERVICE_ACCOUNT.length) : undefined
        const isOurs = projects.some(({ id }) => email?.endsWith(`@${id}.iam.gserviceaccount.com`))
        if (email && isOurs && !this.#accountExists(email)) {
          throw invalid(`Service account ${email} does not exist.`)
        }
      }
    }
  }
}
