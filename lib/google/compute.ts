import { randomUUID } from 'node:crypto'
import type { protos } from '@google-cloud/compute'
import type { ClientOptions } from 'google-gax'
import { external, messageOf } from '../runtime/errors.ts'
import { waitFor } from '../runtime/wait.ts'
import type { Credentials } from './credentials.ts'
import { isDisabled } from './disabled.ts'

type ApiOperation = protos.google.cloud.compute.v1.IOperation
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
}

const OPERATION_DEADLINE_MS = 10 * 60_000
const NOT_FOUND = 404

/** Compute Engine through the official client, which takes 0.7 s to import: open it only when needed. */
export async function openCompute({ project, zone, credentials, endpoint, signal }: ComputeOptions): Promise<Compute> {
  const { v1 } = await import('@google-cloud/compute')
  const options: ClientOptions = { projectId: project, authClient: await credentials.client(), ...custom(endpoint) }
  const instances = new v1.InstancesClient(options)
  const disks = new v1.DisksClient(options)
  const snapshots = new v1.SnapshotsClient(options)
  const zoneOperations = new v1.ZoneOperationsClient(options)
  const globalOperations = new v1.GlobalOperationsClient(options)

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
          ? await zoneOperations.wait({ project, zone, operation })
          : await globalOperations.wait({ project, operation })
        return String(current.status) === 'DONE' ? current : undefined
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

  const attempt = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      if (httpStatus(error) === undefined) throw error
      throw external(`${what}: ${messageOf(error)}`, 'see the message; `./taskw doctor` checks the credentials', error)
    }
  }
  const orUndefined = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call()
    } catch (error) {
      if (httpStatus(error) === NOT_FOUND) return undefined
      throw error
    }
  }

  const getSnapshot = async (name: string) => {
    const found = await orUndefined(() => snapshots.get({ project, snapshot: name }))
    return found && snapshotOf(found[0])
  }

  return {
    vm: name =>
      attempt(`reading VM ${name}`, async () => {
        const found = await orUndefined(() => instances.get({ project, zone, instance: name }))
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
      attempt(`starting VM ${name}`, async () => {
        const [response] = await instances.start({ project, zone, instance: name, requestId: randomUUID() })
        await finish(`VM ${name} to start`, response.latestResponse as ApiOperation)
      }),

    metadata: (name, key) =>
      attempt(`reading the metadata of ${name}`, async () => {
        const [vm] = await instances.get({ project, zone, instance: name })
        return vm.metadata?.items?.find(item => item.key === key)?.value ?? undefined
      }),

    setMetadata: (name, key, value) =>
      attempt(`writing the metadata of ${name}`, async () => {
        const [vm] = await instances.get({ project, zone, instance: name })
        const others = (vm.metadata?.items ?? []).filter(item => item.key !== key)
        const items = value === '' ? others : [...others, { key, value }]
        const metadataResource = { fingerprint: vm.metadata?.fingerprint ?? '', items }
        const [response] = await instances.setMetadata({
          ...{ project, zone, instance: name, requestId: randomUUID() },
          metadataResource,
        })
        await finish(`the metadata of ${name}`, response.latestResponse as ApiOperation)
      }),

    hostKeys: name =>
      attempt(`reading the host keys of ${name}`, async () => {
        const found = await orUndefined(() =>
          instances.getGuestAttributes({ project, zone, instance: name, queryPath: 'hostkeys/' }),
        )
        return (found?.[0].queryValue?.items ?? []).map(({ key, value }) => `${key} ${value}`)
      }),

    snapshots: labels =>
      attempt('listing snapshots', async () => {
        const filter = Object.entries(labels)
          .map(([key, value]) => `labels.${key}="${value}"`)
          .join(' AND ')
        const found: Snapshot[] = []
        const pages = snapshots.listAsync({ project, filter, maxResults: 500 }, { autoPaginate: false })
        try {
          for await (const snapshot of pages) found.push(snapshotOf(snapshot))
        } catch (error) {
          if (!isDisabled(error)) throw error
        }
        return found.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
      }),

    createSnapshot: ({ name, disk, description, labels }) =>
      attempt(`creating snapshot ${name}`, async () => {
        const [response] = await disks.createSnapshot({
          project,
          zone,
          disk,
          requestId: randomUUID(),
          snapshotResource: { name, description, labels },
        })
        await finish(`snapshot ${name}`, response.latestResponse as ApiOperation)
        const made = await getSnapshot(name)
        const wrong = made ? faults(made, disk, labels) : ['it does not exist']
        if (made && wrong.length === 0) return made
        throw external(
          `snapshot ${name} was taken, but ${wrong.join(', ')}`,
          'do not rely on it; inspect it in the Cloud console',
        )
      }),

    deleteSnapshot: name =>
      attempt(`deleting snapshot ${name}`, async () => {
        const [response] = await snapshots.delete({ project, snapshot: name, requestId: randomUUID() })
        await finish(`snapshot ${name} to be deleted`, response.latestResponse as ApiOperation)
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

const httpStatus = (error: unknown): number | undefined => {
  const { httpStatusCode, code } = error as { httpStatusCode?: number; code?: unknown }
  return httpStatusCode ?? (code === 5 ? NOT_FOUND : typeof code === 'number' ? code : undefined)
}

const lastOf = (url: string | null | undefined): string => url?.split('/').at(-1) ?? ''

const snapshotOf = (from: ApiSnapshot): Snapshot => ({
  name: from.name ?? '',
  id: String(from.id),
  status: String(from.status),
  description: from.description ?? '',
  labels: from.labels ?? {},
  createdAt: from.creationTimestamp ? new Date(from.creationTimestamp).toISOString() : '',
  diskSizeGb: Number(from.diskSizeGb ?? 0),
  storageBytes: BigInt(String(from.storageBytes ?? 0)),
  sourceDisk: lastOf(from.sourceDisk),
  sourceDiskId: String(from.sourceDiskId ?? ''),
  autoCreated: from.autoCreated ?? false,
})
