/** Makes each thing once and keeps it. What failed is made again when it is asked for again. */
export interface Memory<T> {
  get(key: string, make: () => Promise<T>): Promise<T>
  forget(key: string): void
}

export function createMemory<T>(): Memory<T> {
  const kept = new Map<string, Promise<T>>()
  return {
    get(key, make) {
      const known = kept.get(key)
      if (known) return known
      const made = make()
      kept.set(key, made)
      made.catch(() => {
        if (kept.get(key) === made) kept.delete(key)
      })
      return made
    },
    forget: key => {
      kept.delete(key)
    },
  }
}
