import { randomUUID } from 'node:crypto'
import { invalidField, notFound, required } from './http/errors.ts'

/**
 * Decides what goes wrong on demand, and when. A fault ends after it has happened `times` times or when it is cleared; the
 * stand-in forgets all faults when it ends.
 */

/** Which requests: an optional method, and a path in which `*` matches within a segment and `**` across segments. */
interface ByRoute {
  route: string
}

interface ByOperation {
  /** The operation's type, such as `createSnapshot`, or `*` for any. */
  operation: string
}

export type Fault =
  | ({ kind: 'status'; status: number; reason?: string } & ByRoute)
  | ({ kind: 'delay'; ms: number } & ByRoute)
  | ({ kind: 'cut' } & ByRoute)
  | ({ kind: 'lost-answer' } & ByRoute)
  | ({ kind: 'operation-error'; code: string; message?: string } & ByOperation)
  | ({ kind: 'operation-hang' } & ByOperation)
  | { kind: 'tunnel'; latencyMs: number; loss: number }
  | { kind: 'token-expired' }
  | { kind: 'preempt'; phase: string; machine?: string }

export type Kind = Fault['kind']

export type Planned = Fault & {
  id: string
  /** How many times it will still happen; unlimited if absent. */
  times?: number
  /** How many matches it lets pass first. */
  skip?: number
  /** How many times it has happened. */
  happened: number
}

interface Member {
  type: 'string' | 'number'
  /** Used when the member is not sent; a member without a default is required. */
  default?: string | number
  optional?: true
  /** Smallest and largest number. */
  from?: number
  to?: number
}

const route: Member = { type: 'string', default: '**' }
const operation: Member = { type: 'string', default: '*' }
/** The longest delay: nobody waits longer than this. */
const LONGEST_MS = 600_000

/** The members of each kind. */
const kinds: Record<Kind, Record<string, Member>> = {
  status: { route, status: { type: 'number', default: 503, from: 400, to: 599 }, reason: { type: 'string', optional: true } },
  delay: { route, ms: { type: 'number', from: 0, to: LONGEST_MS } },
  cut: { route },
  'lost-answer': { route },
  'operation-error': {
    operation,
    code: { type: 'string', default: 'INTERNAL_ERROR' },
    message: { type: 'string', optional: true },
  },
  'operation-hang': { operation },
  tunnel: {
    latencyMs: { type: 'number', default: 0, from: 0, to: LONGEST_MS },
    loss: { type: 'number', default: 0, from: 0, to: 1 },
  },
  'token-expired': {},
  preempt: { phase: { type: 'string' }, machine: { type: 'string', optional: true } },
}

const common: Record<string, Member> = {
  times: { type: 'number', optional: true, from: 1 },
  skip: { type: 'number', optional: true, from: 0 },
}

/** @throws ApiError 400 for an invalid fault */
export function parseFault(sent: Record<string, unknown>): Fault & Pick<Planned, 'times' | 'skip'> {
  if (sent.kind === undefined) throw required('kind')
  const members = Object.hasOwn(kinds, String(sent.kind)) ? kinds[sent.kind as Kind] : undefined
  if (!members) throw invalidField('kind', sent.kind, `Must be one of ${Object.keys(kinds).join(', ')}.`)
  const known = { ...members, ...common }
  const stranger = Object.keys(sent).find(name => name !== 'kind' && !Object.hasOwn(known, name))
  if (stranger) throw invalidField('kind', sent.kind, `Has no ${stranger}; it takes ${Object.keys(known).join(', ')}.`)
  const values = Object.entries(known).map(([name, member]) => [name, memberOf(name, member, sent[name])] as const)
  // The members have been checked against the kind's type.
  return Object.fromEntries([['kind', sent.kind], ...values.filter(([, value]) => value !== undefined)]) as unknown as Fault
}

function memberOf(name: string, { type, default: usual, optional, from, to }: Member, value: unknown = usual): unknown {
  if (value === undefined && optional) return undefined
  if (value === undefined) throw required(name)
  if (typeof value !== type) throw invalidField(name, value, `Must be a ${type}.`)
  if (typeof value === 'number' && !(value >= (from ?? 0) && value <= (to ?? Number.MAX_SAFE_INTEGER))) {
    throw invalidField(name, value, `Must be between ${from} and ${to ?? 'any number'}.`)
  }
  return value
}

/** Whether a fault's route matches a request. */
export function matchesRoute(route: string, method: string, path: string): boolean {
  const [first = '', second] = route.split(' ', 2)
  const [wanted, glob] = second === undefined ? [undefined, first] : [first, second]
  if (wanted !== undefined && wanted !== method) return false
  const source = glob.split(/(\*\*|\*)/).map(part => (part === '**' ? '.*' : part === '*' ? '[^/]*' : RegExp.escape(part)))
  return new RegExp(`^${source.join('')}$`).test(path)
}

/** What faults do to one request. */
export interface RequestFaults {
  delayMs: number
  /** Sent instead of the real answer. */
  answer?: { status: number; reason?: string }
  /** The connection is cut before the request has been carried out, or after it, instead of the answer. */
  cut?: 'before' | 'after'
  tokenExpired: boolean
}

/** What a fault does to one operation. */
export type OperationFault = { error: { code: string; message: string } } | 'hang'

type Of<K extends Kind> = Planned & { kind: K }

const isOf = <K extends Kind>(planned: Planned, kind: K): planned is Of<K> => planned.kind === kind

export class Faults {
  #planned: Planned[] = []
  #cleared = Promise.withResolvers<void>()
  /** Accumulated loss: each frame adds its share, and at 1 the connection breaks. */
  #frames = 0
  /** Called when a fault starts waiting for a phase of the toolkit. */
  onPhaseAwaited: () => void = () => undefined

  add(sent: Record<string, unknown>): Planned {
    const planned = { ...parseFault(sent), id: randomUUID().slice(0, 8), happened: 0 }
    this.#planned.push(planned)
    if (this.awaitsPhase) this.onPhaseAwaited()
    return planned
  }

  list(): Planned[] {
    return [...this.#planned]
  }

  /** Ends one fault, or all; hanging operations continue. @throws ApiError 404 */
  clear(id?: string): void {
    if (id !== undefined && !this.#planned.some(planned => planned.id === id)) throw notFound(`faults/${id}`)
    this.#planned = id === undefined ? [] : this.#planned.filter(planned => planned.id !== id)
    this.#cleared.resolve()
    this.#cleared = Promise.withResolvers()
  }

  request(method: string, path: string): RequestFaults {
    const here = (fault: { route: string }) => matchesRoute(fault.route, method, path)
    const status = this.#take('status', here)
    return {
      delayMs: this.#take('delay', here)?.ms ?? 0,
      tokenExpired: this.#take('token-expired', () => true) !== undefined,
      ...(status && { answer: status }),
      ...(this.#take('cut', here) ? { cut: 'before' } : this.#take('lost-answer', here) ? { cut: 'after' } : {}),
    }
  }

  operation(type: string): OperationFault | undefined {
    const here = (fault: { operation: string }) => fault.operation === '*' || fault.operation === type
    const failing = this.#take('operation-error', here)
    if (failing) return { error: { code: failing.code, message: failing.message ?? `The operation ${type} failed on demand.` } }
    return this.#take('operation-hang', here) && 'hang'
  }

  /** Whether a fault waits for a phase of the toolkit. */
  get awaitsPhase(): boolean {
    return this.#planned.some(planned => planned.kind === 'preempt')
  }

  /** The preemption that the beginning of a phase triggers, if any, with the machine's name if it has one. */
  phase(id: string): { machine?: string } | undefined {
    return this.#take('preempt', ({ phase }) => phase === id)
  }

  /** Resolves when the next fault is cleared. */
  cleared(): Promise<void> {
    return this.#cleared.promise
  }

  /** How late one frame of a tunnel is, and whether its connection breaks instead. */
  frame(): { latencyMs: number; breaks: boolean } {
    const fault = this.#planned.find(planned => isOf(planned, 'tunnel'))
    if (!fault) return { latencyMs: 0, breaks: false }
    this.#frames += fault.loss
    const breaks = this.#frames >= 1
    if (breaks) {
      this.#frames -= 1
      this.#count(fault)
    }
    return { latencyMs: fault.latencyMs, breaks }
  }

  /** The first fault of a kind that applies now. */
  #take<K extends Kind>(kind: K, applies: (fault: Of<K>) => boolean): Of<K> | undefined {
    for (const planned of this.#planned) {
      if (!isOf(planned, kind) || !applies(planned)) continue
      if (planned.skip) planned.skip -= 1
      else {
        this.#count(planned)
        return planned
      }
    }
    return undefined
  }

  #count(planned: Planned): void {
    planned.happened += 1
    if (planned.times === undefined) return
    planned.times -= 1
    if (planned.times === 0) this.#planned = this.#planned.filter(other => other !== planned)
  }
}
