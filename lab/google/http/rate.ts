import { ApiError } from './errors.ts'

const MINUTE_MS = 60_000

/** A token bucket per project: a minute's worth of requests, refilled evenly. */
export class Rate {
  readonly #perMinute: () => number
  readonly #spent = new Map<string, { used: number; at: number }>()

  /** @param perMinute called each time, as the limit may change */
  constructor(perMinute: () => number) {
    this.#perMinute = perMinute
  }

  /** @param now milliseconds of a monotonic clock @throws ApiError 403 rateLimitExceeded */
  take(project: string, now: number): void {
    const limit = this.#perMinute()
    const before = this.#spent.get(project) ?? { used: 0, at: now }
    const used = Math.max(0, before.used - ((now - before.at) * limit) / MINUTE_MS)
    this.#spent.set(project, { used, at: now })
    if (used + 1 > limit) {
      throw new ApiError(403, 'rateLimitExceeded', `Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'.`)
    }
    this.#spent.set(project, { used: used + 1, at: now })
  }
}
