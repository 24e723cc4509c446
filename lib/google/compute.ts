import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { protos } from '@google-cloud/compute'
import type { AuthClient } from 'google-auth-library'
import type { ClientOptions } from 'google-gax'
import { asksProject, type LoginAttributes } from '../model/access/login.ts'
import { Answered, attempt, DEADLINES, type Deadlines, isAnswer, statusOf } from '../runtime/attempt.ts'
import { external } from '../runtime/errors.ts'
import { waitFor } from '../runtime/wait.ts'
import type { Calls } from './compute-schema.ts'
import type { Credentials } from './credentials.ts'
import { isDisabled } from './disabled.ts'

type ApiOperation = protos.google.cloud.compute.v1.IOperation
type ApiMetadata = protos.google.cloud.compute.v1.IMetadata
type ApiSnapshot = protos.google.cloud.compute.v1.ISnapshot

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
  /** Changes with them. */
  labelFingerprint: string
  /** ISO 8601. */
  createdAt: string
  diskSizeGb: number
  storageBytes: bigint
  sourceDisk: string
  /** Says which project and zone that disk is in, or was. */
  sourceDiskUrl: string
  sourceDiskId: string
  /** `X86_64` or `ARM64`; empty where Google does not know. */
  architecture: string
  /** By a schedule of Google's. */
  autoCreated: boolean
}

/** How one logs in on a VM, as far as its metadata and its project's say it. */
export interface Login extends LoginAttributes {
  /** Of the VM; decimal string. */
  id: string
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
  /**
   * Changes one entry, under the metadata's fingerprint: where somebody else has changed them meanwhile, they are read and `change`d again.
   * @param change gets the present value, empty without one; an empty result removes the entry
   */
  setMetadata(name: string, key: string, change: (value: string) => string): Promise<void>
  /** What the VM's metadata say of logging in, and its project's where they have a say; undefined when there is no such VM. */
  login(name: string): Promise<Login | undefined>
  /** The host keys that the guest has published, as `ssh-ed25519 AAAA…`; empty until it has booted. */
  hostKeys(name: string): Promise<string[]>
  /** The project's snapshots that have these labels, all of them without any, newest first; none while Compute Engine is not enabled. */
  snapshots(labels: Record<string, string>): Promise<Snapshot[]>
  /** The project's snapshots of disks of these names, wherever the disks are, or were; newest first. */
  snapshotsOfDisks(names: readonly string[]): Promise<Snapshot[]>
  /** Undefined when there is no such snapshot. */
  snapshot(name: string): Promise<Snapshot | undefined>
  /**
   * Changes a snapshot's labels, under their fingerprint: where somebody else has changed them meanwhile, they are read and `change`d again.
   * @param change gets the snapshot, undefined when it is gone; what it throws ends it
   * @returns whether there was anything to change
   */
  setSnapshotLabels(name: string, change: (found: Snapshot | undefined) => Record<string, string>): Promise<boolean>
  /** Waits until the snapshot is READY, and checks that it is what was asked for. @throws OpsError 5 when it is not */
  createSnapshot(request: SnapshotRequest): Promise<Snapshot>
  /** One that is gone already is deleted. */
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
const PRECONDITION_FAILED = 412
/** How often others may change what we are about to change, before we give up. */
const CONFLICTS = 5
/** What is called below. */
const CALLS: Calls = {
  Instances: ['Get', 'Start', 'SetMetadata', 'GetGuestAttributes'],
  Projects: ['Get'],
  Disks: ['CreateSnapshot'],
  Snapshots: ['Get', 'List', 'Delete', 'SetLabels'],
  ZoneOperations: ['Wait'],
  GlobalOperations: ['Wait'],
}
const HINT = 'see the message; `./taskw doctor` asks every service'

/**
 * Compute Engine through the official client: open it only when needed. Its index imports the clients of a hundred other services,
 * which takes longer than all else; what is used of it is imported from its own files.
 */
export async function openCompute(opened: ComputeOptions): Promise<Compute> {
  const { project, zone, credentials, endpoint, signal, deadlines = DEADLINES } = opened
  const [
    { gaxFor },
    { InstancesClient },
    { ProjectsClient },
    { DisksClient },
    { SnapshotsClient },
    { ZoneOperationsClient },
    { GlobalOperationsClient },
  ] = await Promise.all([
    import('./compute-schema.ts'),
    import('@google-cloud/compute/build/src/v1/instances_client.js'),
    import('@google-cloud/compute/build/src/v1/projects_client.js'),
    import('@google-cloud/compute/build/src/v1/disks_client.js'),
    import('@google-cloud/compute/build/src/v1/snapshots_client.js'),
    import('@google-cloud/compute/build/src/v1/zone_operations_client.js'),
    import('@google-cloud/compute/build/src/v1/global_operations_client.js'),
  ])
  const authClient = stoppable(await credentials.client(), signal)
  const options: ClientOptions = { projectId: project, authClient, ...custom(endpoint) }
  const gax = gaxFor(CALLS)
  const instances = new InstancesClient(options, gax)
  const projects = new ProjectsClient(options, gax)
  const disks = new DisksClient(options, gax)
  const snapshots = new SnapshotsClient(options, gax)
  const zoneOperations = new ZoneOperationsClient(options, gax)
  const globalOperations = new GlobalOperationsClient(options, gax)

  /** The client's own retries go on for ten minutes, also where an answer can't be decoded. */
  const callOptions = ({ each }: Deadlines) => ({ timeout: each, retry: { retryCodes: [] as number[] } as never })
  const short = callOptions(deadlines)
  // Google answers a wait after two minutes at the latest.
  const waiting: Deadlines = { each: deadlines.each + OPERATION_ANSWERS_MS, whole: OPERATION_DEADLINE_MS }
  const longCall = callOptions(waiting)

  /** Everything that is called may be repeated: it reads, or names its request. */
  const call = <T>(what: string, ask: () => Promise<T>, within: Deadlines = deadlines): Promise<T> =>
    attempt({ service: 'Compute Engine', what, hint: HINT, repeatable: true, signal, deadlines: within, call: ask })

  /** An operation may answer 200, be DONE, and carry an error: the client does not throw then. */
  const finish = async (what: string, started: ApiOperation | undefined) => {
    const operation = started?.name ?? ''
    const zonal = Boolean(started?.zone)
    const done = await waitFor({
      what,
      within: OPERATION_DEADLINE_MS,
      every: 200,
      signal,
      probe: async () => {
        const [current] = zonal
          ? await call(what, () => zoneOperations.wait({ project, zone, operation }, longCall), waiting)
          : await call(what, () => globalOperations.wait({ project, operation }, longCall), waiting)
        return String(current.status) === 'DONE' ? current : undefined
      },
    })
    const errors = done.error?.errors ?? []
    if (errors.length > 0) {
      throw external(
        `${what}: ${errors.map(({ code, message }) => `${code}: ${message}`).join('; ')}`,
        'fix the cause (the Cloud console shows the operation), then run it again',
        new Answered(Number(done.httpErrorStatusCode ?? 0)),
      )
    }
  }

  /** Begins an operation and waits for its end. A request that is repeated under its id gets the operation that it has begun. */
  const begin = async (
    what: string,
    request: (requestId: string) => Promise<[{ latestResponse: unknown }, ...unknown[]]>,
    end: string,
  ) => {
    const requestId = randomUUID()
    const [{ latestResponse }] = await call(what, () => request(requestId))
    await finish(end, latestResponse as ApiOperation)
  }
  const orUndefined = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call()
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  const getSnapshot = async (name: string) => {
    const found = await orUndefined(() => snapshots.get({ project, snapshot: name }, short))
    return found && snapshotOf(found[0])
  }

  const listSnapshots = (filter: string) =>
    call('listing snapshots', async () => {
      const found: Snapshot[] = []
      const pages = snapshots.listAsync({ project, filter, maxResults: 500 }, { ...short, autoPaginate: false })
      try {
        for await (const snapshot of pages) found.push(snapshotOf(snapshot))
      } catch (error) {
        if (!isDisabled(error)) throw error
      }
      return found.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    })

  const readSnapshot = (name: string) => call(`reading snapshot ${name}`, () => getSnapshot(name))

  const changeSnapshotLabels = async (name: string, change: (found: Snapshot | undefined) => Record<string, string>) => {
    const found = await readSnapshot(name)
    const labels = change(found)
    if (!found || isDeepStrictEqual(labels, found.labels)) return false
    const globalSetLabelsRequestResource = { labels, labelFingerprint: found.labelFingerprint }
    // It takes no request id: one that is repeated after a lost answer meets its own fingerprint, and finds nothing left to do.
    await begin(
      `labelling snapshot ${name}`,
      () => snapshots.setLabels({ project, resource: name, globalSetLabelsRequestResource }, short),
      `the labels of snapshot ${name}`,
    )
    return true
  }

  /** Changes something under its fingerprint. */
  const underFingerprint = async <T>(attemptChange: () => Promise<T>): Promise<T> => {
    for (let number = 1; ; number++) {
      try {
        return await attemptChange()
      } catch (error) {
        if (!isAnswer(error, PRECONDITION_FAILED) || number === CONFLICTS) throw error
      }
    }
  }

  const changeMetadata = async (name: string, key: string, change: (value: string) => string) => {
    const instance = { project, zone, instance: name }
    const [vm] = await call(`reading the metadata of ${name}`, () => instances.get(instance, short))
    const before = vm.metadata?.items ?? []
    const present = before.find(item => item.key === key)?.value ?? ''
    const value = change(present)
    if (value === present) return
    const others = before.filter(item => item.key !== key)
    const items = value === '' ? others : [...others, { key, value }]
    const metadataResource = { fingerprint: vm.metadata?.fingerprint ?? '', items }
    await begin(
      `writing the metadata of ${name}`,
      requestId => instances.setMetadata({ ...instance, requestId, metadataResource }, short),
      `the metadata of ${name}`,
    )
  }

  return {
    vm: name =>
      call(`reading VM ${name}`, async () => {
        const found = await orUndefined(() => instances.get({ project, zone, instance: name }, short))
        if (!found) return undefined
        const [vm] = found
        return {
          name,
          id: String(vm.id),
          status: String(vm.status),
          statusMessage: vm.statusMessage ?? '',
          architecture: String(vm.disks?.[0]?.architecture ?? 'X86_64'),
          internalIp: vm.networkInterfaces?.[0]?.networkIP ?? '',
          disks: [...(vm.disks ?? [])]
            .sort((a, b) => Number(b.boot ?? false) - Number(a.boot ?? false))
            .map(disk => lastOf(disk.source)),
        }
      }),

    start: name =>
      begin(
        `starting VM ${name}`,
        requestId => instances.start({ project, zone, instance: name, requestId }, short),
        `VM ${name} to start`,
      ),

    metadata: async (name, key) => {
      const [vm] = await call(`reading the metadata of ${name}`, () => instances.get({ project, zone, instance: name }, short))
      return vm.metadata?.items?.find(item => item.key === key)?.value ?? undefined
    },

    async login(name) {
      const found = await call(`reading the metadata of ${name}`, () =>
        orUndefined(() => instances.get({ project, zone, instance: name }, short)),
      )
      if (!found) return undefined
      const [vm] = found
      const instance = attributesOf(vm.metadata)
      if (!asksProject(instance)) return { id: String(vm.id), instance, project: {} }
      const [{ commonInstanceMetadata }] = await call(`reading the metadata of project ${project}`, () =>
        projects.get({ project }, short),
      )
      return { id: String(vm.id), instance, project: attributesOf(commonInstanceMetadata) }
    },

    setMetadata: (name, key, change) => underFingerprint(() => changeMetadata(name, key, change)),

    hostKeys: name =>
      call(`reading the host keys of ${name}`, async () => {
        const found = await orUndefined(() =>
          instances.getGuestAttributes({ project, zone, instance: name, queryPath: 'hostkeys/' }, short),
        )
        return (found?.[0].queryValue?.items ?? []).map(({ key, value }) => `${key} ${value}`)
      }),

    snapshots: labels =>
      listSnapshots(
        Object.entries(labels)
          .map(([key, value]) => `labels.${key}="${value}"`)
          .join(' AND '),
      ),

    // The other language of filters can't look at the end of a URL; the names are of lower-case letters, digits and hyphens.
    snapshotsOfDisks: async names => (names.length === 0 ? [] : listSnapshots(`sourceDisk eq ".*/disks/(${names.join('|')})"`)),

    snapshot: readSnapshot,

    setSnapshotLabels: (name, change) => underFingerprint(() => changeSnapshotLabels(name, change)),

    async createSnapshot({ name, disk, description, labels }) {
      const snapshotResource = { name, description, labels }
      await begin(
        `creating snapshot ${name}`,
        requestId => disks.createSnapshot({ project, zone, disk, requestId, snapshotResource }, short),
        `snapshot ${name}`,
      )
      const made = await readSnapshot(name)
      const wrong = made ? faults(made, disk, labels) : ['it does not exist']
      if (made && wrong.length === 0) return made
      throw external(
        `snapshot ${name} was taken, but ${wrong.join(', ')}`,
        'do not rely on it; inspect it in the Cloud console',
      )
    },

    deleteSnapshot: name =>
      begin(
        `deleting snapshot ${name}`,
        requestId => snapshots.delete({ project, snapshot: name, requestId }, short),
        `snapshot ${name} to be deleted`,
      ).catch(error => {
        if (!isAnswer(error, NOT_FOUND)) throw error
      }),
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

/** The port is an option of its own: given `host:port` as `apiEndpoint`, the client would still append port 443. */
function custom(endpoint: string | undefined): ClientOptions {
  if (endpoint === undefined) return { fallback: true }
  const { hostname, port, protocol } = new URL(endpoint)
  return { apiEndpoint: hostname, port: Number(port), protocol: protocol.replace(':', ''), fallback: true }
}

/** 5 is gRPC's NOT_FOUND, which the client makes of it. */
const isNotFound = (error: unknown): boolean => statusOf(error) === NOT_FOUND || (error as { code?: unknown }).code === 5

/** The same client, whose requests end with the signal: Compute's takes none. */
function stoppable(client: AuthClient, signal: AbortSignal): AuthClient {
  const fetch = (url: string, init: RequestInit = {}) =>
    client.fetch(url, { ...init, signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal })
  return new Proxy(client, {
    get: (target, name) => {
      const value: unknown = name === 'fetch' ? fetch : Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const attributesOf = (metadata: ApiMetadata | null | undefined): Record<string, string> =>
  Object.fromEntries((metadata?.items ?? []).map(({ key, value }) => [key ?? '', value ?? '']))

const lastOf = (url: string | null | undefined): string => url?.split('/').at(-1) ?? ''

const snapshotOf = (from: ApiSnapshot): Snapshot => ({
  name: from.name ?? '',
  id: String(from.id),
  status: String(from.status),
  description: from.description ?? '',
  labels: from.labels ?? {},
  labelFingerprint: from.labelFingerprint ?? '',
  createdAt: from.creationTimestamp ? new Date(from.creationTimestamp).toISOString() : '',
  diskSizeGb: Number(from.diskSizeGb ?? 0),
  storageBytes: BigInt(String(from.storageBytes ?? 0)),
  sourceDisk: lastOf(from.sourceDisk),
  sourceDiskUrl: from.sourceDisk ?? '',
  sourceDiskId: String(from.sourceDiskId ?? ''),
  architecture: String(from.architecture ?? ''),
  autoCreated: Boolean(from.autoCreated || from.sourceSnapshotSchedulePolicy),
})
