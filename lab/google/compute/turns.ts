/** Serializes work per key. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Whether any work for this key is running or waiting. */
  busy(key: string): boolean {
    return this.#last.has(key)
  }

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
  }
}
