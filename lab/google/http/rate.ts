import { ApiError } from './errors.ts'

const MINUTE_MS = 60_000

/** As many requests as may come in a minute, at once or spread; what was used comes back evenly. */
export class Rate {
  readonly #perMinute: () => number
  #used = 0
  #at = 0

  /** @param perMinute asked each time: a limit may be changed */
  constructor(perMinute: () => number) {
    this.#perMinute = perMinute
  }

  /** @param now milliseconds of a clock that never goes back @throws ApiError 403 rateLimitExceeded */
  take(now: number): void {
    const limit = this.#perMinute()
    this.#used = Math.max(0, this.#used - ((now - this.#at) * limit) / MINUTE_MS)
    this.#at = now
    if (this.#used + 1 > limit) {
      throw new ApiError(403, 'rateLimitExceeded', `Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'.`)
    }
    this.#used += 1
  }
}
