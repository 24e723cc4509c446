/** Runs things later, in the order in which they were added. */
export class DelayLine {
  readonly #waiting: { due: number; act: () => void }[] = []
  #timer: NodeJS.Timeout | undefined

  push(delayMs: number, act: () => void): void {
    if (delayMs === 0 && this.#waiting.length === 0) act()
    else {
      this.#waiting.push({ due: performance.now() + delayMs, act })
      this.#wake()
    }
  }

  /** Drops what has not run yet. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.length = 0
  }

  #wake(): void {
    const next = this.#waiting[0]
    if (this.#timer || !next) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        while (this.#waiting[0] && this.#waiting[0].due <= performance.now() + 1) this.#waiting.shift()?.act()
        this.#wake()
      },
      Math.max(0, next.due - performance.now()),
    )
  }
}
