import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from './duration.ts'
import { external, interrupted, messageOf, OpsError, systemCode, timedOut } from './errors.ts'
import { waiting } from './waits.ts'

/** How long a service may take. In milliseconds. */
export interface Deadlines {
  /** One attempt. */
  each: number
  /** All attempts and the pauses between them. */
  whole: number
}

/** For a question to a service on the network that answers in a second or two. */
export const DEADLINES: Deadlines = { each: 15_000, whole: 40_000 }

export interface Attempt<T> {
  /** The service, as messages name it: `Compute Engine`. */
  service: string
  /** What is being done, as it reads before a colon: `reading VM v`. */
  what: string
  /** What to do when it fails. */
  hint: string
  /** Whether a second attempt does no harm, though the first may have worked and only its answer was lost; it may depend on the error. */
  repeatable: boolean | ((error: unknown) => boolean)
  /** Which failures may be gone a moment later; `isTransient` by default. */
  transient?: (error: unknown) => boolean
  /** The signal is aborted by the run's end and the attempt's deadline; a call that ignores it is abandoned. `number` counts from 1. */
  call: (signal: AbortSignal, number: number) => Promise<T>
  signal?: AbortSignal | undefined
  deadlines?: Deadlines | undefined
}

const ATTEMPTS = 4
/** The pause before the second attempt is up to this long, and twice that before each further one. In milliseconds. */
const FIRST_PAUSE_MS = 250

/**
 * Calls a service, and again while what failed is transient and may be repeated, no sooner than the service wants (Retry-After).
 * @throws OpsError of the call as it is; 5 for any other failure; 124 when the service has not answered in time; 130 when the run ends
 */
export const attempt = <T>(asked: Attempt<T>): Promise<T> => waiting(`${asked.service}: ${asked.what}`, () => attempts(asked))

async function attempts<T>(asked: Attempt<T>): Promise<T> {
  const { service, what, hint, repeatable, transient = isTransient, signal, deadlines = DEADLINES } = asked
  const mayRepeat = typeof repeatable === 'function' ? repeatable : () => repeatable
  const end = performance.now() + deadlines.whole
  for (let number = 1; ; number++) {
    if (signal?.aborted) throw interrupted(`${what}: interrupted`, 'run it again to go on')
    try {
      return await once(asked, number, Math.max(1, Math.min(deadlines.each, end - performance.now())))
    } catch (error) {
      if (signal?.aborted) throw interrupted(`${what}: interrupted`, 'run it again to go on', error)
      const pause = retryAfter(error) + Math.random() * FIRST_PAUSE_MS * 2 ** number
      const again = number < ATTEMPTS && transient(error) && mayRepeat(error) && performance.now() + pause < end
      if (again) await sleep(pause, undefined, { ...(signal && { signal }) }).catch(() => undefined)
      else if (error instanceof OpsError) throw error
      else if (error instanceof Silent) throw timedOut(`${what}: ${service} ${error.message}`, hint, error)
      else throw external(`${what}: ${service}: ${reasonOf(error)}`, hint, error)
    }
  }
}

/** The service has not answered within the deadline. */
class Silent extends Error {}

/** One attempt, which ends with its deadline or the run's signal whether or not the call heeds its own. */
async function once<T>({ call, signal }: Attempt<T>, number: number, within: number): Promise<T> {
  const deadline = new AbortController()
  // Not AbortSignal.timeout: its timer does not keep the process alive while it waits.
  const timer = setTimeout(() => deadline.abort(new Silent(`has not answered within ${formatDuration(within)}`)), within)
  const stop = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const abandon = () => reject(stop.reason)
  stop.addEventListener('abort', abandon, { once: true })
  try {
    const called = call(stop, number)
    called.catch(() => undefined)
    return await Promise.race([called, stopped])
  } catch (error) {
    // What the call makes of its aborted signal says less than the reason.
    throw deadline.signal.aborted ? deadline.signal.reason : error
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', abandon)
  }
}

/** An answer that is a failure: the cause of an OpsError that says it better, so that it may be tried again. */
export class Answered extends Error {
  /** HTTP status. */
  readonly status: number
  /** Its header of that name. */
  readonly retryAfter: string | undefined

  constructor(status: number, retryAfter?: string | null) {
    super(`HTTP status ${status}`)
    this.status = status
    this.retryAfter = retryAfter ?? undefined
  }
}

/** `fetch` says no more than that it failed, and keeps why as the cause. */
const reasonOf = (error: unknown): string =>
  messageOf(error instanceof TypeError && error.cause instanceof Error ? error.cause : error)

const TRANSIENT_STATUS = [429, 500, 502, 503, 504]
/** Lost connections; a refused one is not among them, for nobody listens there. */
const TRANSIENT_CODES = /^(ECONNRESET|EPIPE|ETIMEDOUT|EAI_AGAIN|UND_ERR_SOCKET|ERR_STREAM_PREMATURE_CLOSE)$/

/** Whether a failure may be gone a moment later: an overloaded service, a lost answer, none in time. */
export function isTransient(error: unknown): boolean {
  if (error instanceof Silent) return true
  for (const at of causes(error)) {
    const status = statusOf(at)
    if (status !== undefined) return TRANSIENT_STATUS.includes(status)
    if (TRANSIENT_CODES.test(String(systemCode(at))) || /socket hang up|premature close/i.test(at.message)) return true
  }
  return false
}

/** Whether a service has answered with this HTTP status, however the error has been told since. */
export const isAnswer = (error: unknown, status: number): boolean => causes(error).some(at => statusOf(at) === status)

/** Whether nobody listens there: nothing has been asked. */
export const isRefused = (error: unknown): boolean => causes(error).some(at => systemCode(at) === 'ECONNREFUSED')

/** An error and what caused it, the outermost first. */
function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : []
}

/**
 * How long a service wants to be left alone, in milliseconds; 0 when it does not say.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
function retryAfter(error: unknown): number {
  const said = causes(error)
    .map(at => at as { retryAfter?: string; response?: { headers?: { get?(name: string): string | null } } })
    .map(({ retryAfter, response }) => retryAfter ?? response?.headers?.get?.('retry-after'))
    .find(value => typeof value === 'string')
  if (!said) return 0
  const wait = /^\d+$/.test(said.trim()) ? Number(said) * 1000 : Date.parse(said) - Date.now()
  return Number.isFinite(wait) ? Math.max(0, wait) : 0
}

/** The HTTP status with which a service has answered, where the error has one. */
export function statusOf(error: unknown): number | undefined {
  const { httpStatusCode, status, code, response } = error as {
    httpStatusCode?: unknown
    status?: unknown
    code?: unknown
    response?: { status?: unknown }
  }
  return [httpStatusCode, status, response?.status, code].find(
    (value): value is number => typeof value === 'number' && value >= 100 && value < 600,
  )
}
