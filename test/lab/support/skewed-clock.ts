/**
 * Preloaded with NODE_OPTIONS=--import, it moves the clock of a script, though not that of its children, by CLOCK_SKEW_MS milliseconds: a
 * machine whose clock is that much off.
 */
const skew = Number(process.env.CLOCK_SKEW_MS)
const True = Date

class Skewed extends True {
  constructor(...given: [] | [string | number | Date]) {
    super(...((given.length === 0 ? [True.now() + skew] : given) as [number]))
  }

  static override now(): number {
    return True.now() + skew
  }
}
globalThis.Date = Skewed as DateConstructor
