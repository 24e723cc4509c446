import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../../lib/runtime/errors.ts'
import type { Faults, OperationFault } from '../faults.ts'
import { notFound } from '../http/errors.ts'
import type { Call, Reply, Router } from '../http/router.ts'
import type { Collection, State } from '../state.ts'
import { aggregatedReply, listReply } from './list.ts'
import { linkTo, newId, pathOfLink, type Resource, segmentAfter, timestamp } from './resource.ts'

export interface Operation extends Resource {
  operationType: string
  targetLink: string
  status: 'PENDING' | 'RUNNING' | 'DONE'
  progress: number
  error?: { errors: { code: string; message: string }[] }
}

/** An operation, and what is needed to finish it after a restart. */
interface Stored {
  operation: Operation
  /** Name of the registered work; without one the operation is done immediately. */
  work?: string
  arguments?: object
}

/** One execution of an operation's work. */
export interface Run {
  /** The arguments given to `begin`. */
  given: Record<string, unknown>
  /** Whether a restart interrupted an earlier run. */
  resumed: boolean
  /**
   * Called right before the first effect; throws when a fault makes the operation fail, so that the work cleans up as usual.
   */
  proceed(): Promise<void>
}

export type Work = (target: string, run: Run) => Promise<void>

/** A failure that the operation reports with this code. */
export class OperationError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A fault has made the operation fail or hang before anything was changed. */
export class Stopped extends Error {
  readonly operation: Operation

  constructor(operation: Operation) {
    super(`${operation.name} was stopped on demand`)
    this.operation = operation
  }
}

interface Beginning {
  type: string
  /** `projects/…` of the operation's resource. */
  target: string
  targetId?: string
  /** The client's id of this request: a repetition gets the same operation. */
  requestId?: string | undefined
  work?: string
  arguments?: object
  user?: string
}

const KEPT_FOR_MS = 14 * 24 * 3600 * 1000
/** `wait` answers after this time at the latest, done or not. */
const LONGEST_WAIT_MS = 120_000
/** A plain `get` waits a little, too: after a RUNNING the Terraform provider polls again only ten seconds later. */
const PATIENCE_OF_GET_MS = 2_000

/** Long-running operations: recorded before their work begins, continued after a restart. */
export class Operations {
  readonly #stored: Collection<Stored>
  readonly #faults: Faults
  readonly #works = new Map<string, Work>()
  readonly #running = new Map<string, Promise<void>>()
  #lastSave: Promise<void> = Promise.resolve()

  private constructor(stored: Collection<Stored>, faults: Faults) {
    this.#stored = stored
    this.#faults = faults
  }

  static async open(state: State, faults: Faults): Promise<Operations> {
    return new Operations(await state.open<Stored>('operations', ({ operation }) => operation.name), faults)
  }

  /** Work must be safe to repeat: after a restart it runs again from its beginning. */
  register(name: string, work: Work): void {
    this.#works.set(name, work)
  }

  /** @throws Stopped when a fault hits an operation without work */
  begin({ type, target, targetId, requestId, work, arguments: given, user }: Beginning): Operation {
    const name = `operation-${Date.now()}-${randomBytes(12).toString('hex')}`
    const scope = scopeOf(target)
    const now = timestamp()
    const operation: Operation = {
      kind: 'compute#operation',
      id: newId(),
      name,
      ...(requestId ? { clientOperationId: requestId } : {}),
      ...scope.fields,
      operationType: type,
      targetLink: linkTo(target),
      ...(targetId ? { targetId } : {}),
      status: work ? 'RUNNING' : 'DONE',
      user: user ?? 'operator@lab.invalid',
      progress: work ? 0 : 100,
      insertTime: now,
      startTime: now,
      ...(work ? {} : { endTime: now }),
      creationTimestamp: now,
      selfLink: linkTo(`${scope.path}/operations/${name}`),
    }
    // Google, too, reports even an immediate operation as running at first.
    const answered: Operation = { ...operation, status: 'RUNNING', progress: 0 }
    const fault = user === 'system' ? undefined : this.#faults.operation(type)
    if (!work && fault) {
      if (fault === 'hang') this.#hang(answered)
      else this.#save({ operation: { ...operation, ...failureOf(toError(fault)) } })
      throw new Stopped(answered)
    }
    const stored: Stored = { operation, ...(work ? { work, arguments: given ?? {} } : {}) }
    this.#save(stored)
    if (work) this.#start(stored, false, fault)
    return answered
  }

  /** Resolves when every operation begun so far is on disk; rejects when it cannot be written. */
  recorded(): Promise<void> {
    return this.#lastSave
  }

  /** The operation that an earlier request with the same id began. */
  repeated(project: string, requestId: string): Operation | undefined {
    return this.#all(project).find(operation => operation.clientOperationId === requestId)
  }

  /** Continues what a restart interrupted, and forgets operations that were done long ago. */
  resume(): void {
    for (const stored of this.#stored.all()) {
      const { operation } = stored
      if (operation.status !== 'DONE') stored.work ? this.#start(stored, true) : this.#giveUp(operation)
      else if (Date.parse(operation.creationTimestamp) < Date.now() - KEPT_FOR_MS) this.#stored.delete(operation.name)
    }
  }

  /** Resolves when no operation is running. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  get(path: string): Operation {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const found = this.#stored.all().find(({ operation }) => operation.name === name || operation.id === name)?.operation
    if (!found?.selfLink.includes(path.slice(0, path.lastIndexOf('/')))) throw notFound(path)
    return found
  }

  /** The operation when it is done, or its state after `withinMs`. */
  async wait(path: string, withinMs = LONGEST_WAIT_MS): Promise<Operation> {
    const running = this.#running.get(this.get(path).name)
    if (running) {
      const stop = new AbortController()
      await Promise.race([running, sleep(withinMs, undefined, { signal: stop.signal }).catch(() => undefined)])
      stop.abort()
    }
    return this.get(path)
  }

  list(project: string, scope?: string): Operation[] {
    return this.#all(project).filter(operation => !scope || operation.selfLink.includes(`/${scope}/operations/`))
  }

  #all(project: string): Operation[] {
    const prefix = linkTo(`projects/${project}/`)
    return this.#stored.all().flatMap(({ operation }) => (operation.selfLink.startsWith(prefix) ? [operation] : []))
  }

  /** An operation without work ends in an error when the fault is cleared: there is nothing to continue. */
  #hang(operation: Operation): void {
    this.#save({ operation })
    const ended = this.#faults.cleared().then(() => this.#giveUp(operation))
    this.#running.set(
      operation.name,
      ended.finally(() => this.#running.delete(operation.name)),
    )
  }

  #giveUp(operation: Operation): void {
    const failure = failureOf(new OperationError('INTERNAL_ERROR', 'The operation hung on demand and was given up.'))
    this.#save({ operation: { ...operation, ...failure, status: 'DONE', progress: 100, endTime: timestamp() } })
  }

  #save(stored: Stored): void {
    this.#lastSave = this.#stored.put(stored)
    this.#lastSave.catch(error => {
      console.error(`operation ${stored.operation.name} is not stored: ${messageOf(error)}`)
      // The operation continues in memory even if it cannot be written; the next start runs its work again.
      if (this.#stored.get(stored.operation.name)?.operation.status !== 'DONE') this.#stored.hold(stored)
    })
  }

  #start(stored: Stored, resumed: boolean, fault?: OperationFault): void {
    const { name } = stored.operation
    const run = this.#run(stored, resumed, fault).finally(() => this.#running.delete(name))
    this.#running.set(name, run)
  }

  async #run({ operation, work, arguments: given }: Stored, resumed: boolean, fault?: OperationFault): Promise<void> {
    const target = pathOfLink(operation.targetLink)
    let failure: Partial<Operation> = {}
    // The caller stores the operation's target first.
    await nextTurn()
    try {
      const run = this.#works.get(work ?? '')
      if (!run) throw new OperationError('INTERNAL_ERROR', `no work is registered as ${work}`)
      const proceed = async () => {
        if (fault === 'hang') await this.#faults.cleared()
        else if (fault) throw toError(fault)
      }
      await run(target, { given: { ...given }, resumed, proceed })
    } catch (error) {
      failure = failureOf(error)
    }
    this.#save({ operation: { ...operation, ...failure, status: 'DONE', progress: 100, endTime: timestamp() } })
  }
}

const toError = ({ error: { code, message } }: Exclude<OperationFault, 'hang'>): OperationError =>
  new OperationError(code, message)

function failureOf(error: unknown): Partial<Operation> {
  const code = error instanceof OperationError ? error.code : 'INTERNAL_ERROR'
  const status = code === 'INTERNAL_ERROR' ? 500 : 400
  return {
    error: { errors: [{ code, message: messageOf(error) }] },
    httpErrorStatusCode: status,
    httpErrorMessage: status === 500 ? 'INTERNAL SERVER ERROR' : 'BAD REQUEST',
  }
}

/** An operation has the scope of its target. */
function scopeOf(target: string): { path: string; fields: { zone?: string; region?: string } } {
  const project = `projects/${segmentAfter(target, 'projects')}`
  const zone = segmentAfter(target, 'zones')
  if (zone) return { path: `${project}/zones/${zone}`, fields: { zone: linkTo(`${project}/zones/${zone}`) } }
  const region = segmentAfter(target, 'regions')
  if (region) return { path: `${project}/regions/${region}`, fields: { region: linkTo(`${project}/regions/${region}`) } }
  return { path: `${project}/global`, fields: {} }
}

export function serveOperations(router: Router, operations: Operations): void {
  const pathIn = (call: Call) => call.path.replace(/^\/compute\/v1\//, '')
  for (const scope of ['global', 'zones/{place}', 'regions/{place}']) {
    const base = `/compute/v1/projects/{project}/${scope}/operations`
    router.get(base, call => listReply(call, 'compute#operation', operations.list(call.param('project'), scopeIn(call))))
    router.get(
      `${base}/{name}`,
      async (call): Promise<Reply> => ({ json: await operations.wait(pathIn(call), PATIENCE_OF_GET_MS) }),
    )
    router.post(`${base}/{name}/wait`, async call => ({ json: await operations.wait(pathIn(call).replace(/\/wait$/, '')) }))
  }
  router.get('/compute/v1/projects/{project}/aggregated/operations', call => {
    const all = operations.list(call.param('project'))
    const scopes = [...new Set(all.map(({ selfLink }) => scopeInLink(selfLink)))]
    return aggregatedReply(call, 'compute#operation', 'operations', scopes, all)
  })
}

const scopeIn = (call: Call): string => scopeInLink(call.path)

/** `global`, `zones/…` or `regions/…`. */
const scopeInLink = (link: string): string => /\/((?:zones|regions)\/[^/]+|global)\/operations/.exec(link)?.[1] ?? 'global'
