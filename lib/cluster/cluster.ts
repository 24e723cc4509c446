import type { Duplex } from 'node:stream'
import type { Inventory, InventoryKind } from '../model/health/inventory.ts'
import type { KubernetesObject } from '../model/health/objects.ts'
import type { ObjectReference } from '../model/layer/real-name.ts'
import { execInPod, type PodCommand } from './exec.ts'
import { type Kind, kinds, pathOf } from './kinds.ts'
import { readConnection } from './kubeconfig.ts'
import { dialPod, type PodAddress } from './port-forward.ts'
import { ApiError, createRest, type Rest, type RestRequest } from './rest.ts'
import { type Watcher, watchKinds } from './watcher.ts'

/** Reads and changes a Kubernetes cluster. Errors are OpsError 5; an ApiError where the server has answered. */
export interface Cluster {
  inventory(signal?: AbortSignal): Promise<Snapshot>
  /** An object; undefined when it does not exist, or the server does not know its kind. */
  get<T extends KubernetesObject>(kind: Kind, where: Where, signal?: AbortSignal): Promise<T | undefined>
  /** Whether an object of any kind exists; false when the server does not know its kind. */
  exists(object: ObjectReference, signal?: AbortSignal): Promise<boolean>
  list<T extends KubernetesObject>(kind: Kind, namespace?: string, signal?: AbortSignal): Promise<T[]>
  /** Creates or updates the object (server-side apply). */
  apply<T extends KubernetesObject>(kind: Kind, where: Where, object: unknown, signal?: AbortSignal): Promise<T>
  /** Changes what a JSON merge patch names, and nothing else. Repeated, it must mean the same. */
  patch<T extends KubernetesObject>(kind: Kind, where: Where, patch: unknown, signal?: AbortSignal): Promise<T>
  /** The versions of an API group that the server serves, its preferred one first; none where it does not know the group. */
  versions(group: string, signal?: AbortSignal): Promise<string[]>
  /** Requests the deletion of the object and of what it owns. @returns false when there was nothing to delete */
  delete(kind: Kind, where: Where & { uid?: string }, signal?: AbortSignal): Promise<boolean>
  /** A connection to a port of a pod, as `kubectl port-forward` makes them. */
  dial(address: PodAddress, signal?: AbortSignal): Promise<Duplex>
  /** Runs a program in a container, as `kubectl exec -i` does: its input and output, which ends only if the program ends with 0. */
  exec(command: PodCommand, signal?: AbortSignal): Promise<Duplex>
  /** Watches for changes since a snapshot, without a gap. */
  watch(since: Snapshot, signal: AbortSignal): Watcher
  /** Closes its connections. */
  close(): void
}

export interface Where {
  namespace?: string
  name: string
}

/** Everything that was listed, and the version of each list; a kind that the server does not know is empty and has no version. */
export interface Snapshot {
  inventory: Inventory
  versions: Partial<Record<InventoryKind, string>>
}

interface List<T> {
  metadata: { resourceVersion: string }
  items: T[]
}

/** Of a group's version. https://kubernetes.io/docs/reference/using-api/api-concepts/#discovery-api */
interface ApiResources {
  resources: { name: string; kind: string; namespaced: boolean }[]
}

interface ApiGroup {
  versions?: { version: string }[]
  preferredVersion?: { version: string }
}

/** The kinds to watch: every change that matters to health shows in one of them. */
const TELLING: readonly InventoryKind[] = ['nodes', 'pods', 'deployments', 'volumeClaims', 'endpointSlices', 'applications']

/**
 * @param access path of the kubeconfig, the name of the context in it, and the tunnel's local port
 * @throws OpsError 3 or 4 for a kubeconfig that can't be used; nothing is asked of the server yet
 */
export async function openCluster({
  kubeconfig,
  context,
  port,
}: {
  kubeconfig: string
  context: string
  port: number
}): Promise<Cluster> {
  return clusterOver(createRest(await readConnection(kubeconfig, context, port)))
}

export function clusterOver(rest: Rest): Cluster {
  const withSignal = (signal?: AbortSignal): RestRequest => (signal ? { signal } : {})

  return {
    inventory: signal => readInventory(rest, withSignal(signal)),
    get: (kind, where, signal) => orMissing(rest.json(pathOf(kind, where), withSignal(signal))),
    // As kubectl and the providers do, what is namespaced and says no namespace is meant in `default`.
    async exists({ apiVersion, kind, name, namespace = 'default' }, signal) {
      const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
      const known = await orMissing(rest.json<ApiResources>(base, withSignal(signal)))
      const found = known?.resources.find(resource => resource.kind === kind && !resource.name.includes('/'))
      if (!found) return false
      const path = pathOf({ base, plural: found.name, namespaced: found.namespaced }, { name, namespace })
      return (await orMissing(rest.json(path, withSignal(signal)))) !== undefined
    },
    async list<T>(kind: Kind, namespace?: string, signal?: AbortSignal) {
      const path = pathOf(kind, namespace === undefined ? {} : { namespace })
      return (await orMissing(rest.json<List<T>>(path, withSignal(signal))))?.items ?? []
    },
    apply: (kind, where, object, signal) =>
      rest.json(`${pathOf(kind, where)}?fieldManager=threads-ops&force=true`, {
        ...withSignal(signal),
        method: 'PATCH',
        body: object,
        contentType: 'application/apply-patch+yaml',
        repeatable: true,
      }),
    patch: (kind, where, body, signal) =>
      rest.json(pathOf(kind, where), {
        ...withSignal(signal),
        method: 'PATCH',
        body,
        contentType: 'application/merge-patch+json',
        repeatable: true,
      }),
    async versions(group, signal) {
      const known = await orMissing(rest.json<ApiGroup>(`/apis/${group}`, withSignal(signal)))
      const all = (known?.versions ?? []).map(({ version }) => version)
      return [...new Set([...(known?.preferredVersion ? [known.preferredVersion.version] : []), ...all])]
    },
    async delete(kind, { uid, ...where }, signal) {
      // With a uid, another object that has since taken the name is left alone: the server answers 409.
      const body = { propagationPolicy: 'Background', ...(uid !== undefined && { preconditions: { uid } }) }
      const gone = uid === undefined ? [404] : [404, 409]
      const request: RestRequest = { ...withSignal(signal), method: 'DELETE', body, repeatable: uid !== undefined }
      const answer = await unless(gone, rest.text(pathOf(kind, where), request))
      return answer !== undefined
    },
    dial: (address, signal) => dialPod(rest, address, signal),
    exec: (command, signal) => execInPod(rest, command, signal),
    watch({ versions }, signal) {
      const watched = TELLING.flatMap(name => {
        const resourceVersion = versions[name]
        return resourceVersion === undefined ? [] : [{ kind: kinds[name], resourceVersion }]
      })
      return watchKinds(rest, watched, signal)
    },
    close: rest.close,
  }
}

/** Undefined for a 404, which the API answers for an unknown object and for an unknown kind. */
const orMissing = <T>(answer: Promise<T>): Promise<T | undefined> => unless([404], answer)

/** Undefined where the server answers with one of these statuses. */
async function unless<T>(statuses: readonly number[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && statuses.includes(error.status)) return undefined
    throw error
  }
}

async function readInventory(rest: Rest, request: RestRequest): Promise<Snapshot> {
  const inventory: Record<string, unknown[]> = {}
  const versions: Snapshot['versions'] = {}
  await Promise.all(
    Object.entries(kinds).map(async ([name, kind]) => {
      const list = await orMissing(rest.json<List<unknown>>(pathOf(kind), request))
      inventory[name] = list?.items ?? []
      if (list) versions[name as InventoryKind] = list.metadata.resourceVersion
    }),
  )
  return { inventory: inventory as unknown as Inventory, versions }
}
