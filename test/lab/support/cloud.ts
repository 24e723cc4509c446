import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '../../../lib/runtime/wait.ts'
import type { Checkout } from './checkout.ts'

/** Where an environment is. */
interface Place {
  project: string
  bucket: string
  zone: string
}

const LAB: Place = { project: 'web-service-design', bucket: 'threads-ops-lab-tfstate', zone: 'us-east1-b' }

/** Whatever Google Compute Engine keeps for a project, as its console lists it. */
const FAMILIES = ['networks', 'subnetworks', 'firewalls', 'routers', 'addresses', 'disks', 'images', 'snapshots', 'instances']
/** Those that have no list of all scopes. */
const GLOBAL = ['networks', 'firewalls', 'images', 'snapshots']

interface Item {
  selfLink?: string
  [field: string]: unknown
}

/** What there is, by name: for each object of the state bucket its generation, for each resource of the project all that is known of it. */
export interface Footprint {
  objects: Record<string, string>
  resources: Record<string, unknown>
}

/** The lab's Google as somebody has it who works past the toolkit: in the console, or with gcloud and gsutil. */
export interface Cloud {
  /** Every version of every object, and every resource. */
  footprint(): Promise<Footprint>
  /** Undefined when there is no such object. */
  read(object: string): Promise<string | undefined>
  write(object: string, content: string): Promise<void>
  remove(object: string): Promise<void>
  /** @param path below the project, e.g. `global/firewalls/a` */
  find(path: string): Promise<Item | undefined>
  /** Creates a resource, and waits until it is there. */
  insert(collection: string, resource: { name: string } & Record<string, unknown>): Promise<void>
  /** Asks for a change of a resource. */
  post(path: string, body: object): Promise<void>
  /** Deletes a resource, and waits until it is gone. */
  delete(path: string): Promise<void>
  /** Links between resources. */
  link(path: string): string
  /** Changes Google's limits until the stand-in ends; docs/lab.md. */
  limit(limits: object): Promise<void>
  zone: string
}

/** @param place unless told, that of the lab's environment */
export async function cloudOf(
  { directory }: Pick<Checkout, 'directory'>,
  { project, bucket: stateBucket, zone } = LAB,
): Promise<Cloud> {
  const endpoints = JSON.parse(await readFile(join(directory, '.lab/endpoints.json'), 'utf8')) as Record<string, string>
  const authorization = `Bearer ${(await readFile(join(directory, '.lab/token'), 'utf8')).trim()}`
  const compute = (path: string) => `${endpoints.compute}projects/${project}/${path}`
  const bucket = `${endpoints.storage}/storage/v1/b/${stateBucket}/o`
  const objectAt = (name: string) => `${bucket}/${encodeURIComponent(name)}`

  /** Undefined for a 404. */
  const ask = async (url: string, init: RequestInit = {}): Promise<Response | undefined> => {
    const answer = await fetch(url, { ...init, headers: { authorization, 'content-type': 'application/json' } })
    if (answer.status === 404) return undefined
    if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${url}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const json = async <T>(url: string, init?: RequestInit): Promise<T> => {
    const answer = await ask(url, init)
    if (!answer) throw new Error(`${url}: there is no such thing`)
    return (await answer.json()) as T
  }
  const find = async (path: string) => (await (await ask(compute(path)))?.json()) as Item | undefined
  const until = (what: string, isSo: () => Promise<boolean>) =>
    waitFor({ what, within: 60_000, every: 200, probe: async () => (await isSo()) || undefined })

  const itemsOf = async (family: string): Promise<Item[]> => {
    if (GLOBAL.includes(family)) return (await json<{ items?: Item[] }>(compute(`global/${family}`))).items ?? []
    const { items } = await json<{ items: Record<string, Record<string, Item[]>> }>(compute(`aggregated/${family}`))
    return Object.values(items).flatMap(scope => scope[family] ?? [])
  }

  return {
    zone,
    link: path => compute(path),
    limit: async limits =>
      void (await json(`${endpoints.storage}/lab/limits`, { method: 'PATCH', body: JSON.stringify(limits) })),
    find,

    async footprint() {
      const { items: objects = [] } = await json<{ items?: { name: string; generation: string }[] }>(`${bucket}?versions=true`)
      const resources = (await Promise.all(FAMILIES.map(itemsOf))).flat().map(item => [item.selfLink ?? '', item] as const)
      const accounts = await json<{ accounts?: { name: string }[] }>(`${endpoints.iam}v1/projects/${project}/serviceAccounts`)
      const policy = await json<unknown>(`${endpoints.resourceManager}v1/projects/${project}:getIamPolicy`, {
        method: 'POST',
        body: '{}',
      })
      return {
        objects: Object.fromEntries(objects.map(({ name, generation }) => [`${name}#${generation}`, generation])),
        resources: Object.fromEntries([
          ...resources,
          ...(accounts.accounts ?? []).map(account => [account.name, account] as const),
          ['IAM policy', policy],
        ]),
      }
    },

    read: async object => (await ask(`${objectAt(object)}?alt=media`))?.text(),
    async write(object, content) {
      const query = new URLSearchParams({ uploadType: 'media', name: object })
      await json(`${endpoints.storage}/upload/storage/v1/b/${stateBucket}/o?${query}`, { method: 'POST', body: content })
    },
    async remove(object) {
      await ask(objectAt(object), { method: 'DELETE' })
    },

    async insert(collection, resource) {
      await json(compute(collection), { method: 'POST', body: JSON.stringify(resource) })
      await until(`${resource.name} to be there`, async () => (await find(`${collection}/${resource.name}`)) !== undefined)
    },
    async post(path, body) {
      await json(compute(path), { method: 'POST', body: JSON.stringify(body) })
    },
    async delete(path) {
      await json(compute(path), { method: 'DELETE' })
      await until(`${path} to be gone`, async () => (await find(path)) === undefined)
    },
  }
}
