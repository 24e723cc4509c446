import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../../lib/runtime/files.ts'
import { ApiError } from '../http/errors.ts'
import type { Room } from '../room.ts'
import type { Collection, State } from '../state.ts'
import { crc32c, md5 } from './checksums.ts'

export interface Bucket {
  kind: 'storage#bucket'
  id: string
  name: string
  metageneration: string
  timeCreated: string
  updated: string
  versioning?: { enabled: boolean }
  labels?: Record<string, string>
  [field: string]: unknown
}

/** An object as the API returns it, plus the name of the file with its content. */
export interface StoredObject {
  kind: 'storage#object'
  bucket: string
  name: string
  /** Microseconds since 1970 as a decimal string; unique in the store. */
  generation: string
  metageneration: string
  size: string
  md5Hash: string
  crc32c: string
  contentType: string
  timeCreated: string
  updated: string
  /** When another version replaced it. */
  timeDeleted?: string
  content: string
  [field: string]: unknown
}

/** Objects up to this many bytes may be Terraform states or locks, and may use the reserved space. */
const LARGEST_STATE = 2 ** 20

/** Buckets and objects with their versions. Content is written before the metadata that refers to it. */
export class Store {
  readonly buckets: Collection<Bucket>
  readonly #live: Collection<StoredObject>
  readonly #archived: Collection<StoredObject>
  readonly #contents: string
  readonly #room: Room
  #lastGeneration = 0

  private constructor(
    buckets: Collection<Bucket>,
    live: Collection<StoredObject>,
    archived: Collection<StoredObject>,
    contents: string,
    room: Room,
  ) {
    this.buckets = buckets
    this.#live = live
    this.#archived = archived
    this.#contents = contents
    this.#room = room
  }

  static async open(state: State): Promise<Store> {
    const key = ({ bucket, name }: StoredObject) => keyOf(bucket, name)
    const versionKey = ({ bucket, name, generation }: StoredObject) => `${keyOf(bucket, name)}#${generation}`
    const contents = join(state.directory, 'contents')
    await mkdir(contents, { recursive: true, mode: 0o700 })
    const store = new Store(
      await state.open<Bucket>('buckets', ({ name }) => name),
      await state.open<StoredObject>('objects', key),
      await state.open<StoredObject>('archived-objects', versionKey),
      contents,
      state.room,
    )
    await store.#recover()
    return store
  }

  /** @throws ApiError 404 */
  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name)
    if (!bucket) throw new ApiError(404, 'notFound', 'The specified bucket does not exist.')
    return bucket
  }

  find(bucket: string, name: string, generation?: string | null): StoredObject | undefined {
    const live = this.#live.get(keyOf(bucket, name))
    if (!generation || live?.generation === generation) return live
    return this.#archived.get(`${keyOf(bucket, name)}#${generation}`)
  }

  /** @throws ApiError 404 */
  get(bucket: string, name: string, generation?: string | null): StoredObject {
    this.bucket(bucket)
    const object = this.find(bucket, name, generation)
    if (!object) throw new ApiError(404, 'notFound', `No such object: ${bucket}/${name}`)
    return object
  }

  /** Sorted by name, then generation. */
  list(bucket: string, versions: boolean): StoredObject[] {
    const all = [...this.#live.all(), ...(versions ? this.#archived.all() : [])]
    return all
      .filter(object => object.bucket === bucket)
      .sort((left, right) => compare(left.name, right.name) || Number(left.generation) - Number(right.generation))
  }

  /** An object's content, or a range of its bytes, both ends included. */
  async read({ content, size }: StoredObject, from = 0, to = Number(size) - 1): Promise<Buffer> {
    await using file = await open(join(this.#contents, content))
    const bytes = Buffer.alloc(to - from + 1)
    await file.read(bytes, 0, bytes.length, from)
    return bytes
  }

  /**
   * Puts a new version in place.
   * @param check throws when the current version rules the write out; it is called last, so that of two writers that require
   *   generation 0 only one succeeds
   */
  async write(
    bucket: string,
    name: string,
    content: Buffer,
    metadata: Record<string, unknown>,
    check: (current: StoredObject | undefined) => void,
  ): Promise<StoredObject> {
    check(this.find(bucket, name))
    const file = randomUUID()
    const write = () => writeAtomically(join(this.#contents, file), content)
    await (content.length > LARGEST_STATE ? write() : this.#room.spend(write))
    const { versioning, storageClass } = this.bucket(bucket)
    const replaced = this.find(bucket, name)
    try {
      check(replaced)
    } catch (error) {
      await rm(join(this.#contents, file))
      throw error
    }
    const now = new Date().toISOString()
    const object: StoredObject = {
      storageClass,
      ...metadata,
      kind: 'storage#object',
      bucket,
      name,
      generation: this.#nextGeneration(),
      metageneration: '1',
      contentType: String(metadata.contentType ?? 'application/octet-stream'),
      size: String(content.length),
      md5Hash: md5(content),
      crc32c: crc32c(content),
      timeCreated: now,
      timeStorageClassUpdated: now,
      timeFinalized: now,
      updated: now,
      content: file,
    }
    const archived = replaced && versioning?.enabled ? this.#archived.put({ ...replaced, timeDeleted: now }) : undefined
    await Promise.all([archived, this.#live.put(object)])
    if (replaced && !archived) await this.#forget(replaced)
    return object
  }

  async patch(object: StoredObject, changes: Record<string, unknown>): Promise<StoredObject> {
    const changed: StoredObject = {
      ...object,
      ...changes,
      metageneration: String(Number(object.metageneration) + 1),
      updated: new Date().toISOString(),
    }
    await (this.#isLive(object) ? this.#live : this.#archived).put(changed)
    return changed
  }

  /** @param forGood even if the bucket keeps versions, because the client named the generation */
  async delete(object: StoredObject, forGood: boolean): Promise<void> {
    const { bucket, name, generation } = object
    if (!this.#isLive(object)) {
      await this.#archived.delete(`${keyOf(bucket, name)}#${generation}`)
      return this.#forget(object)
    }
    const keep = !forGood && this.bucket(bucket).versioning?.enabled
    const archived = keep ? this.#archived.put({ ...object, timeDeleted: new Date().toISOString() }) : undefined
    await Promise.all([archived, this.#live.delete(keyOf(bucket, name))])
    if (!keep) await this.#forget(object)
  }

  #isLive({ bucket, name, generation }: StoredObject): boolean {
    return this.#live.get(keyOf(bucket, name))?.generation === generation
  }

  #forget({ content }: StoredObject): Promise<void> {
    return rm(join(this.#contents, content), { force: true })
  }

  #nextGeneration(): string {
    this.#lastGeneration = Math.max(Date.now() * 1000, this.#lastGeneration + 1)
    return String(this.#lastGeneration)
  }

  /**
   * Continues the sequence of generations, and removes content without metadata, which an interrupted write or delete has left.
   */
  async #recover(): Promise<void> {
    const objects = [...this.#live.all(), ...this.#archived.all()]
    this.#lastGeneration = Math.max(0, ...objects.map(({ generation }) => Number(generation)))
    const known = new Set(objects.map(({ content }) => content))
    for (const file of await readdir(this.#contents)) {
      if (!known.has(file)) await rm(join(this.#contents, file), { force: true })
    }
  }
}

const keyOf = (bucket: string, name: string): string => `${bucket}/${name}`

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
