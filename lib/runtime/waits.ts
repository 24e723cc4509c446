interface Wait {
  what: string
  /** As `performance.now()` tells the time. */
  began: number
}

const going = new Set<Wait>()
const listeners = new Set<() => void>()

/** A wait of at least so many milliseconds is worth a word. */
const LONG_MS = 1000

/**
 * Lets the log say what this process waits for, whoever asked: a script's reads have no other way to tell.
 * @param what as it reads after "waiting for"
 */
export async function waiting<T>(what: string, work: () => Promise<T>): Promise<T> {
  const wait = { what, began: performance.now() }
  going.add(wait)
  try {
    return await work()
  } finally {
    going.delete(wait)
    for (const listener of listeners) listener()
  }
}

/** The longest of the long waits that began after a time: what it is for, and how long it takes so far, in milliseconds. */
export function longestWait(since = 0): { what: string; ms: number } | undefined {
  // In the order of their beginnings.
  for (const { what, began } of going) {
    const ms = performance.now() - began
    if (began >= since) return ms >= LONG_MS ? { what, ms } : undefined
  }
  return undefined
}

/** Calls back whenever a wait has ended. */
export function onWaitEnd(listener: () => void): void {
  listeners.add(listener)
}
