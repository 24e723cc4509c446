import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { Hypervisor } from '../../machine/types.ts'
import type { Faults } from '../faults.ts'
import { invalidField, notFound } from '../http/errors.ts'
import type { Call, Reply } from '../http/router.ts'
import type { Collection, State } from '../state.ts'
import { checkProject, region, zone } from './catalogue.ts'
import { GuestAttributes } from './guest-attributes.ts'
import type { Limits } from './limits.ts'
import { completeMetadata, type Metadata } from './metadata.ts'
import { type Operation, Operations, Stopped } from './operations.ts'
import { linkTo, newId, pathOfResource, type Resource, timestamp } from './resource.ts'

/** Every collection of stored Compute resources. */
const collectionNames = [
  'networks',
  'subnetworks',
  'firewalls',
  'routers',
  'addresses',
  'disks',
  'images',
  'snapshots',
  'instances',
] as const

export type CollectionName = (typeof collectionNames)[number]

interface CloudOptions {
  hypervisor: Hypervisor
  /** Contains `disks`, `images` and `snapshots`, which hold what the hypervisor creates. */
  labDirectory: string
  faults: Faults
  limits: Limits
}

interface ProjectSettings {
  project: string
  metadata: Metadata
}

interface Stored {
  operations: Operations
  guestAttributes: GuestAttributes
  projects: Collection<ProjectSettings>
  collections: Map<CollectionName, Collection<Resource>>
}

/** The state that the handlers of the Compute API share. */
export class Cloud {
  readonly hypervisor: Hypervisor
  readonly operations: Operations
  readonly guestAttributes: GuestAttributes
  /** Emits `change` whenever the metadata that a guest can read has changed. */
  readonly changes = new EventEmitter()
  readonly limits: Limits
  readonly #projects: Collection<ProjectSettings>
  readonly #collections: Map<CollectionName, Collection<Resource>>
  readonly #labDirectory: string

  private constructor({ hypervisor, labDirectory, limits }: CloudOptions, stored: Stored) {
    this.hypervisor = hypervisor
    this.limits = limits
    this.operations = stored.operations
    this.guestAttributes = stored.guestAttributes
    this.#projects = stored.projects
    this.#collections = stored.collections
    this.#labDirectory = labDirectory
    // There is one listener per guest waiting for a change.
    this.changes.setMaxListeners(0)
  }

  static async open(state: State, options: CloudOptions): Promise<Cloud> {
    const collections = new Map<CollectionName, Collection<Resource>>()
    for (const name of collectionNames) collections.set(name, await state.open<Resource>(name, pathOfResource))
    return new Cloud(options, {
      collections,
      operations: await Operations.open(state, options.faults),
      guestAttributes: await GuestAttributes.open(state),
      projects: await state.open<ProjectSettings>('projects', ({ project }) => project),
    })
  }

  /** A project's own metadata. */
  projectMetadata(project: string): Metadata {
    return this.#projects.get(project)?.metadata ?? completeMetadata({})
  }

  async setProjectMetadata(project: string, metadata: Metadata): Promise<void> {
    await this.#projects.put({ project, metadata })
    this.changes.emit('change')
  }

  all<T extends Resource>(name: CollectionName): T[] {
    return this.#collection(name).all() as T[]
  }

  find<T extends Resource>(name: CollectionName, path: string): T | undefined {
    return this.#collection(name).get(path) as T | undefined
  }

  /** @throws ApiError 404 */
  get<T extends Resource>(name: CollectionName, path: string): T {
    const found = this.find<T>(name, path)
    if (!found) throw notFound(path)
    return found
  }

  put(name: CollectionName, resource: Resource): Promise<void> {
    const stored = this.#collection(name).put(resource)
    this.changes.emit('change')
    return stored
  }

  /** Changes some fields of a resource. @throws ApiError 404 when it has been deleted meanwhile */
  async patch<T extends Resource>(name: CollectionName, path: string, changes: Partial<T>): Promise<T> {
    const changed = { ...this.get<T>(name, path), ...changes }
    await this.put(name, changed)
    return changed
  }

  delete(name: CollectionName, path: string): Promise<void> {
    return this.#collection(name).delete(path)
  }

  diskFolder(path: string): string {
    const [, project, , zone, , disk] = path.split('/')
    return join(this.#labDirectory, 'disks', `${project}`, `${zone}`, `${disk}`)
  }

  imageFolder(id: string): string {
    return join(this.#labDirectory, 'images', id)
  }

  snapshotFolder(id: string): string {
    return join(this.#labDirectory, 'snapshots', id)
  }

  #collection(name: CollectionName): Collection<Resource> {
    const collection = this.#collections.get(name)
    if (!collection) throw new Error(`no collection ${name}`)
    return collection
  }
}

/** The fields that Google adds to any new resource. */
export const newResource = (kind: string, path: string, sent: Record<string, unknown>): Resource => ({
  ...sent,
  kind,
  id: newId(),
  creationTimestamp: timestamp(),
  name: path.slice(path.lastIndexOf('/') + 1),
  selfLink: linkTo(path),
})

/** A call's `projects/P/zones/Z`, `…/regions/R` or `…/global`, checked to exist. @throws ApiError 404 */
export function placeOf(call: Call): string {
  const project = call.param('project')
  checkProject(project)
  if (call.has('zone')) {
    zone(project, call.param('zone'))
    return `projects/${project}/zones/${call.param('zone')}`
  }
  if (call.has('region')) {
    region(project, call.param('region'))
    return `projects/${project}/regions/${call.param('region')}`
  }
  return `projects/${project}/global`
}

async function begun(mutate: Mutation, call: Call): Promise<Operation> {
  try {
    return await mutate(call)
  } catch (error) {
    if (error instanceof Stopped) return error.operation
    throw error
  }
}

const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const ZERO_REQUEST_ID = /^[0-]+$/

/** @throws ApiError 400 for an id that is not a UUID, or is all zeros */
function requestIdOf(call: Call): string | undefined {
  const requestId = call.query.get('requestId') || undefined
  if (requestId !== undefined && (!REQUEST_ID.test(requestId) || ZERO_REQUEST_ID.test(requestId))) {
    throw invalidField('requestId', requestId, 'Must be a valid UUID other than zero.')
  }
  return requestId
}

type Mutation = (call: Call) => Operation | Promise<Operation>

/** Answers a mutation with its operation, and a repetition with the same `requestId` with the operation of the first. */
export const mutating =
  (cloud: Cloud, mutate: Mutation) =>
  async (call: Call): Promise<Reply> => {
    checkProject(call.param('project'))
    const requestId = requestIdOf(call)
    const earlier = requestId ? cloud.operations.repeated(call.param('project'), requestId) : undefined
    const operation = earlier ?? (await begun(mutate, call))
    await cloud.operations.recorded()
    return { json: operation }
  }
