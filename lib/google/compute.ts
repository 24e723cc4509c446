import { randomUUID } from 'node:crypto'
import { attempt, DEADLINES, type Deadlines, statusOf } from '../runtime/attempt.ts'
import { external, messageOf } from '../runtime/errors.ts'
import { waitFor } from '../runtime/wait.ts'
import type { Credentials } from './credentials.ts'
import { isDisabled } from './disabled.ts'

/** What is read of Google's answers. Numbers of 64 bits are decimal strings. https://docs.cloud.google.com/compute/docs/reference/rest/v1 */
interface ApiInstance {
  id?: string
  status: string
  statusMessage?: string
  disks?: { boot?: boolean; source?: string; architecture?: string }[]
  networkInterfaces?: { networkIP?: string }[]
  metadata?: { fingerprint?: string; items?: { key: string; value?: string }[] }
}

interface ApiSnapshot {
  name: string
  id?: string
  status?: string
  description?: string
  labels?: Record<string, string>
  creationTimestamp?: string
  diskSizeGb?: string
  storageBytes?: string
  sourceDisk?: string
  sourceDiskId?: string
  autoCreated?: boolean
}

interface ApiOperation {
  name: string
  /** URL; absent where the operation is a global one. */
  zone?: string
  status?: string
  error?: { errors?: { code?: string; message?: string }[] }
}

export interface Vm {
  name: string
  /** Decimal string. */
  id: string
  /** `RUNNING`, `TERMINATED`, `STOPPING`, … */
  status: string
  /** Google's explanation of the status; empty without one. */
  statusMessage: string
  architecture: string
  internalIp: string
  /** Names of its disks; the boot disk first. */
  disks: string[]
}

export interface Snapshot {
  name: string
  id: string
  /** `CREATING`, `UPLOADING`, `READY`, `FAILED`, `DELETING`. */
  status: string
  description: string
  labels: Record<string, string>
  /** ISO 8601. */
  createdAt: string
  diskSizeGb: number
  storageBytes: bigint
  sourceDisk: string
  sourceDiskId: string
  autoCreated: boolean
}

export interface SnapshotRequest {
  name: string
  disk: string
  description: string
  labels: Record<string, string>
}

export interface Compute {
  /** Undefined when there is no such VM. */
  vm(name: string): Promise<Vm | undefined>
  start(name: string): Promise<void>
  /** An entry of the VM's own metadata; undefined without it. */
  metadata(name: string, key: string): Promise<string | undefined>
  /** Sets one entry; an empty value removes it. @throws OpsError 5, also when somebody changed the metadata meanwhile */
  setMetadata(name: string, key: string, value: string): Promise<void>
  /** The host keys that the guest has published, as `ssh-ed25519 AAAA…`; empty until it has booted. */
  hostKeys(name: string): Promise<string[]>
  /** All snapshots of the project that have these labels, newest first; none while Compute Engine is not enabled. */
  snapshots(labels: Record<string, string>): Promise<Snapshot[]>
  /** Waits until the snapshot is READY, and checks that it is what was asked for. @throws OpsError 5 when it is not */
  createSnapshot(request: SnapshotRequest): Promise<Snapshot>
  deleteSnapshot(name: string): Promise<void>
}

export interface ComputeOptions {
  project: string
  zone: string
  credentials: Credentials
  /** `http://host:port/compute/v1/` instead of Google's own. */
  endpoint?: string
  signal: AbortSignal
  /** Of each call; an operation that it begins has one of its own. */
  deadlines?: Deadlines
}

const OPERATION_DEADLINE_MS = 10 * 60_000
/** How long Google keeps a request that waits for an operation. */
const OPERATION_ANSWERS_MS = 120_000
const NOT_FOUND = 404
const HINT = 'see the message; `./taskw doctor` asks every service'
const GOOGLE = 'https://compute.googleapis.com/compute/v1/'
const PAGE = 500

/** One request below the project. */
interface Asked {
  method?: 'GET' | 'POST' | 'DELETE'
  params?: Record<string, string | number>
  data?: object
}

/**
 * Compute Engine by its JSON API, with Google's credentials: the official client takes longer to describe the whole API to itself
 * than all of these calls together. Open it only when needed.
 */
export async function openCompute(opened: ComputeOptions): Promise<Compute> {
  const { project, zone, credentials, endpoint = GOOGLE, signal, deadlines = DEADLINES } = opened
  const client = await credentials.client()
  const base = `${endpoint.replace(/\/$/, '')}/projects/${encodeURIComponent(project)}`
  const inZone = `zones/${encodeURIComponent(zone)}`
  const instanceOf = (name: string) => `${inZone}/instances/${encodeURIComponent(name)}`
  const snapshotAt = (name: string) => `global/snapshots/${encodeURIComponent(name)}`

  /** Everything that is called may be repeated: it reads, or names its request. */
  const call = <T>(what: string, ask: (stop: AbortSignal) => Promise<T>, within: Deadlines = deadlines): Promise<T> =>
    attempt({ service: 'Compute Engine', what, hint: HINT, repeatable: true, signal, deadlines: within, call: ask })

  const ask = async <T extends object>(stop: AbortSignal, path: string, asked: Asked = {}): Promise<T> => {
    const { data } = await client.request<T>({
      ...{ url: `${base}/${path}`, signal: stop, responseType: 'json', retry: false },
      ...asked,
    })
    return legible(data)
  }
  const orUndefined = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked
    } catch (error) {
      if (statusOf(error) === NOT_FOUND) return undefined
      throw error
    }
  }

  const instance = async (stop: AbortSignal, name: string) => legible(await ask<ApiInstance>(stop, instanceOf(name)), 'status')

  // Google answers a wait after two minutes at the latest.
  const waiting: Deadlines = { each: deadlines.each + OPERATION_ANSWERS_MS, whole: OPERATION_DEADLINE_MS }

  /** An operation may answer 200, be DONE, and carry an error: the client does not throw then. */
  const finish = async (what: string, { name, zone: url }: ApiOperation) => {
    const path = `${url === undefined ? 'global' : inZone}/operations/${encodeURIComponent(name)}/wait`
    const done = await waitFor({
      what,
      within: OPERATION_DEADLINE_MS,
      every: 200,
      signal,
      probe: async () => {
        const current = await call(
          what,
          async stop => legible(await ask<ApiOperation>(stop, path, { method: 'POST' }), 'status'),
          waiting,
        )
        return current.status === 'DONE' ? current : undefined
      },
    })
    const errors = done.error?.errors ?? []
    if (errors.length > 0) {
      throw external(
        `${what}: ${errors.map(({ code, message }) => `${code}: ${message}`).join('; ')}`,
        'fix the cause (the Cloud console shows the operation), then run it again',
      )
    }
  }

  /** Begins an operation and waits for its end. A request that is repeated under its id gets the operation that it has begun. */
  const begin = async (what: string, path: string, { params, ...asked }: Asked, end: string) => {
    const named = { method: 'POST' as const, ...asked, params: { ...params, requestId: randomUUID() } }
    await finish(end, await call(what, async stop => legible(await ask<ApiOperation>(stop, path, named), 'name')))
  }

  const getSnapshot = async (stop: AbortSignal, name: string) => {
    const found = await orUndefined(ask<ApiSnapshot>(stop, snapshotAt(name)))
    return found && snapshotOf(found)
  }

  return {
    vm: name =>
      call(`reading VM ${name}`, async stop => {
        const found = await orUndefined(instance(stop, name))
        return found && vmOf(name, found)
      }),

    start: name => begin(`starting VM ${name}`, `${instanceOf(name)}/start`, {}, `VM ${name} to start`),

    metadata: (name, key) =>
      call(`reading the metadata of ${name}`, async stop => {
        const { metadata } = await instance(stop, name)
        return metadata?.items?.find(item => item.key === key)?.value
      }),

    async setMetadata(name, key, value) {
      const { metadata } = await call(`reading the metadata of ${name}`, stop => instance(stop, name))
      const others = (metadata?.items ?? []).filter(item => item.key !== key)
      const items = value === '' ? others : [...others, { key, value }]
      const data = { fingerprint: metadata?.fingerprint ?? '', items }
      await begin(`writing the metadata of ${name}`, `${instanceOf(name)}/setMetadata`, { data }, `the metadata of ${name}`)
    },

    hostKeys: name =>
      call(`reading the host keys of ${name}`, async stop => {
        const path = `${instanceOf(name)}/getGuestAttributes`
        const params = { queryPath: 'hostkeys/' }
        const found = await orUndefined(
          ask<{ queryValue?: { items?: { key: string; value: string }[] } }>(stop, path, { params }),
        )
        return understood(() => (found?.queryValue?.items ?? []).map(({ key, value }) => `${key} ${value}`))
      }),

    snapshots: labels =>
      call('listing snapshots', async stop => {
        const filter = Object.entries(labels)
          .map(([key, value]) => `labels.${key}="${value}"`)
          .join(' AND ')
        const found: Snapshot[] = []
        let pageToken: string | undefined
        try {
          do {
            const params = { maxResults: PAGE, ...(filter && { filter }), ...(pageToken !== undefined && { pageToken }) }
            const page = await ask<{ items?: ApiSnapshot[]; nextPageToken?: string }>(stop, 'global/snapshots', { params })
            found.push(...(page.items ?? []).map(snapshotOf))
            pageToken = page.nextPageToken
          } while (pageToken)
        } catch (error) {
          if (!isDisabled(error)) throw error
        }
        return found.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
      }),

    async createSnapshot({ name, disk, description, labels }) {
      await begin(
        `creating snapshot ${name}`,
        `${inZone}/disks/${encodeURIComponent(disk)}/createSnapshot`,
        { data: { name, description, labels } },
        `snapshot ${name}`,
      )
      const made = await call(`reading snapshot ${name}`, stop => getSnapshot(stop, name))
      const wrong = made ? faults(made, disk, labels) : ['it does not exist']
      if (made && wrong.length === 0) return made
      throw external(
        `snapshot ${name} was taken, but ${wrong.join(', ')}`,
        'do not rely on it; inspect it in the Cloud console',
      )
    },

    deleteSnapshot: name =>
      begin(`deleting snapshot ${name}`, snapshotAt(name), { method: 'DELETE' }, `snapshot ${name} to be deleted`),
  }
}

/** What is wrong with a snapshot that Google calls done. */
function faults(snapshot: Snapshot, disk: string, labels: Record<string, string>): string[] {
  const missing = Object.entries(labels).filter(([key, value]) => snapshot.labels[key] !== value)
  return [
    ...(snapshot.status === 'READY' ? [] : [`its status is ${snapshot.status}`]),
    ...(snapshot.sourceDisk === disk ? [] : [`its source is ${snapshot.sourceDisk}, not ${disk}`]),
    ...missing.map(([key]) => `label ${key} is missing`),
  ]
}

/** An answer as it should be: an object, with this member. */
function legible<T extends object>(answer: T, member?: keyof T): T {
  if (typeof answer !== 'object' || answer === null) throw new Error('its answer is not JSON')
  if (member !== undefined && typeof answer[member] !== 'string') throw new Error(`its answer has no ${String(member)}`)
  return answer
}

/** Where an answer is not as Google's are, just that is said. */
function understood<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`its answer can't be understood: ${messageOf(error)}`, { cause: error })
  }
}

const lastOf = (url: string | undefined): string => url?.split('/').at(-1) ?? ''

const vmOf = (name: string, { id, status, statusMessage, disks = [], networkInterfaces }: ApiInstance): Vm =>
  understood(() => ({
    name,
    id: String(id),
    status,
    statusMessage: statusMessage ?? '',
    architecture: disks[0]?.architecture ?? 'X86_64',
    internalIp: networkInterfaces?.[0]?.networkIP ?? '',
    disks: disks.toSorted((a, b) => Number(b.boot ?? false) - Number(a.boot ?? false)).map(disk => lastOf(disk.source)),
  }))

const snapshotOf = (from: ApiSnapshot): Snapshot =>
  understood(() => ({
    name: from.name,
    id: String(from.id),
    status: String(from.status),
    description: from.description ?? '',
    labels: from.labels ?? {},
    createdAt: from.creationTimestamp ? new Date(from.creationTimestamp).toISOString() : '',
    diskSizeGb: Number(from.diskSizeGb ?? 0),
    storageBytes: BigInt(from.storageBytes ?? 0),
    sourceDisk: lastOf(from.sourceDisk),
    sourceDiskId: from.sourceDiskId ?? '',
    autoCreated: from.autoCreated ?? false,
  }))
