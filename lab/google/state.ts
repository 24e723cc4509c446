import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { readData } from '../state/stored.ts'
import { Room } from './room.ts'

/** File names stay well below the file system's limit of 255 bytes, including the suffix of temporary files. */
const LONGEST_NAME = 200

/**
 * Resources of one kind: in memory for reading, with one JSON file each on disk. A change is visible immediately, and durable
 * when the returned promise resolves. Changes to all collections of a state are written in the order in which they were made,
 * so that a crash leaves a state that once existed. A change that cannot be written because the disk is full is undone.
 */
export class Collection<T extends object> {
  readonly #directory: string
  readonly #items = new Map<string, T>()
  /** What is on disk. */
  readonly #stored = new Map<string, T>()
  readonly #keyOf: (item: T) => string
  readonly #room: Room
  readonly #inOrder: <R>(write: () => Promise<R>) => Promise<R>

  constructor(directory: string, keyOf: (item: T) => string, room: Room, inOrder: <R>(write: () => Promise<R>) => Promise<R>) {
    this.#directory = directory
    this.#room = room
    this.#keyOf = keyOf
    this.#inOrder = inOrder
  }

  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name)
      if (!name.endsWith('.json')) {
        // An interrupted write left it behind.
        await rm(path, { force: true })
        continue
      }
      const item = await readData<T>(path, found => this.#isAt(path, found as T))
      this.#items.set(this.#keyOf(item), item)
      this.#stored.set(this.#keyOf(item), item)
    }
  }

  #isAt(path: string, item: T): boolean {
    try {
      return this.#path(this.#keyOf(item)) === path
    } catch {
      return false
    }
  }

  get(key: string): T | undefined {
    return this.#items.get(key)
  }

  all(): T[] {
    return [...this.#items.values()]
  }

  put(item: T): Promise<void> {
    const key = this.#keyOf(item)
    this.#items.set(key, item)
    const text = JSON.stringify(item)
    return this.#inOrder(async () => {
      try {
        await this.#room.spend(() => writeAtomically(this.#path(key), text))
        this.#stored.set(key, item)
      } catch (error) {
        if (this.#items.get(key) === item) this.#takeBack(key)
        throw error
      }
    })
  }

  /** Keeps an item in memory only, until it is replaced or the stand-in ends. */
  hold(item: T): void {
    this.#items.set(this.#keyOf(item), item)
  }

  delete(key: string): Promise<void> {
    this.#items.delete(key)
    return this.#inOrder(async () => {
      await rm(this.#path(key), { force: true })
      this.#stored.delete(key)
    })
  }

  #takeBack(key: string): void {
    const stored = this.#stored.get(key)
    if (stored) this.#items.set(key, stored)
    else this.#items.delete(key)
  }

  #path(key: string): string {
    const plain = encodeURIComponent(key)
    const name = plain.length <= LONGEST_NAME ? plain : createHash('sha256').update(key).digest('hex')
    return join(this.#directory, `${name}.json`)
  }
}

/** All collections below one folder. */
export class State {
  readonly directory: string
  readonly room: Room
  #last: Promise<unknown> = Promise.resolve()

  constructor(directory: string) {
    this.directory = directory
    this.room = new Room(directory)
  }

  async open<T extends object>(name: string, keyOf: (item: T) => string): Promise<Collection<T>> {
    const collection = new Collection<T>(join(this.directory, name), keyOf, this.room, write => this.#inOrder(write))
    await collection.load()
    return collection
  }

  /** Resolves when all changes so far are on disk. */
  async settled(): Promise<void> {
    await this.#last.catch(() => undefined)
  }

  #inOrder<R>(write: () => Promise<R>): Promise<R> {
    const result = this.#last.then(write, write)
    this.#last = result
    // The caller handles the failure; the chain itself must not become an unhandled rejection.
    result.catch(() => undefined)
    return result
  }
}
