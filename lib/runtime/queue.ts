/** Does work at most so many at a time, whoever comes first first. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>

export function createQueue(most: number): Queue {
  const waiting: (() => void)[] = []
  let busy = 0
  return async work => {
    if (busy < most) busy++
    // Whoever ends hands its place on.
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else busy--
    }
  }
}
