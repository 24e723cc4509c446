import type { Json } from '../../runtime/json.ts'
import type { StreamState } from './stream.ts'

/** A resource that exists but is not in the state: a run that was killed made it and could not write that down. */
export interface Adoption {
  address: string
  /** Import id, in the form of the resource's type. */
  id: string
}

/** A Helm release that a killed run left behind under this address. */
export interface StrandedRelease {
  address: string
}

type Errors = StreamState['errors']

/** `The resource 'projects/p/global/networks/n' already exists`: Google's path is what the provider imports by. */
const RESOURCE = /The resource '(projects\/[^']+)' already exists/
/** `Service account a already exists within project projects/p.` */
const SERVICE_ACCOUNT = /Service account (\S+) already exists within project projects\/([^\s.,]+)/
/** What the google provider says where a resource is part of another one; the message has no path. */
const NESTED = /existing object already found/
const RELEASE_NAME_TAKEN = /cannot re-use a name that is still in use/

/** What an apply's errors say is there already, with the ids to import it by. */
export function adoptions(errors: Errors): Adoption[] {
  return errors.flatMap(({ address, summary, detail }) => {
    if (address === undefined) return []
    const text = `${summary}\n${detail}`
    const resource = RESOURCE.exec(text)
    if (resource?.[1]) return [{ address, id: resource[1] }]
    const account = SERVICE_ACCOUNT.exec(text)
    if (account)
      return [{ address, id: `projects/${account[2]}/serviceAccounts/${account[1]}@${account[2]}.iam.gserviceaccount.com` }]
    return []
  })
}

/** Addresses of the resources that are parts of others, where they are already. */
export const nestedResources = (errors: Errors): string[] =>
  errors.flatMap(({ address, summary, detail }) =>
    address !== undefined && NESTED.test(`${summary}\n${detail}`) ? [address] : [],
  )

/** Import ids of such resources, by their types, from their planned values. */
const nestedIds: Record<string, (planned: Record<string, Json>) => string> = {
  google_compute_router_nat: ({ project, region, router, name }) =>
    `projects/${project}/regions/${region}/routers/${router}/${name}`,
}

/** The id to import a part of another resource by, or undefined for a type that is not known here. */
export function nestedAdoption(address: string, planned: Record<string, Json>): Adoption | undefined {
  const type = /(?:^|\.)([a-z0-9_]+)\.[^.[]+(?:\[[^\]]*\])?$/.exec(address)?.[1] ?? ''
  const id = nestedIds[type]?.(planned)
  return id === undefined ? undefined : { address, id }
}

/** The releases whose name Helm refuses because an earlier, unrecorded installation holds it. */
export const strandedReleases = (errors: Errors): StrandedRelease[] =>
  errors.flatMap(({ address, summary, detail }) =>
    address !== undefined && RELEASE_NAME_TAKEN.test(`${summary}\n${detail}`) ? [{ address }] : [],
  )

/** Who holds a layer's state lock, from Terraform's own words. */
export interface StateLock {
  id: string
  /** `user@host`. */
  who: string
  created: string
}

/** The lock that an error is about, or undefined when it is about something else. */
export function stateLock(errors: Errors): StateLock | undefined {
  for (const { summary, detail } of errors) {
    if (!/Error acquiring the state lock/.test(summary)) continue
    const field = (name: string) => new RegExp(`^\\s*${name}:\\s+(.+)$`, 'm').exec(detail)?.[1]?.trim() ?? ''
    return { id: field('ID'), who: field('Who'), created: field('Created') }
  }
  return undefined
}
