import type { Store, StoredObject } from '../../../lib/google/storage.ts'

export interface FakeStore extends Store {
  /** What lies in it, by name. */
  objects: Map<string, StoredObject>
  /** What was asked of it that changes something, in order: `put a.json`. */
  calls: string[]
  /** Somebody else writes an object. @returns its generation */
  wrote(object: string, content: string): string
  /** Its clock goes on by so many milliseconds, whatever anybody else's does. */
  pass(ms: number): void
}

/** A bucket that keeps generations as Google does. It is there, unless told. */
export function fakeStore({ exists = true, calls = [] as string[] } = {}): FakeStore {
  const objects = new Map<string, StoredObject>()
  const written = new Map<string, number>()
  const annotated = new Map<string, Record<string, string>>()
  let time = 0
  let isThere = exists
  let generations = 1000
  const wrote = (object: string, content: string) => {
    const generation = String(++generations)
    objects.set(object, { content, generation, md5: '', age: 0 })
    written.set(object, time)
    return generation
  }
  const generationOf = (object: string) => objects.get(object)?.generation ?? '0'
  return {
    name: 'the-bucket',
    objects,
    calls,
    wrote,
    pass(ms) {
      time += ms
    },
    exists: async () => isThere,
    async create(location, labels) {
      calls.push(`create ${location} ${JSON.stringify(labels)}`)
      isThere = true
    },
    list: async prefix => [...objects.keys()].filter(name => name.startsWith(prefix)).sort(),
    annotations: async prefix =>
      new Map([...objects.keys()].filter(name => name.startsWith(prefix)).map(name => [name, annotated.get(name) ?? {}])),
    async annotate(object, generation, metadata) {
      calls.push(`annotate ${object} ${generation}`)
      if (generationOf(object) !== generation) return false
      const all = Object.entries({ ...annotated.get(object), ...metadata })
      annotated.set(object, Object.fromEntries(all.flatMap(([key, value]) => (value === null ? [] : [[key, value]]))))
      return true
    },
    content: async object => objects.get(object)?.content,
    async read(object) {
      const found = objects.get(object)
      return found && { ...found, age: time - (written.get(object) ?? time) }
    },
    async write(object, content, generation) {
      calls.push(`write ${object} over ${generation}`)
      return generationOf(object) === generation ? wrote(object, content) : undefined
    },
    async put(object, content) {
      calls.push(`put ${object}`)
      wrote(object, content)
    },
    async remove(object, generation) {
      calls.push(`remove ${object} ${generation}`)
      return objects.has(object) && generationOf(object) === generation && objects.delete(object)
    },
  }
}
