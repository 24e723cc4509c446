import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDiskFull } from '../../lib/runtime/errors.ts'
import { run } from '../machine/process.ts'
import { LEAST_ROOM, roomLeft } from '../state/disk-space.ts'
import { ApiError } from './http/errors.ts'

/**
 * Bytes reserved for finishing what has begun: operations, Terraform's states, what powered-off machines still have in memory.
 */
const RESERVE = 48 * 2 ** 20

/** Those of Google's JSON APIs that create things; Storage accepts whatever fits. */
const MAKING_PATH = /^\/(compute|v1)\//
/** POST requests that create nothing. */
const READING_PATH = /(\/wait|:getIamPolicy|[:/]testIamPermissions)$/

/**
 * The space that a state has on its disk. A file reserves some of it. When the disk is full the file is deleted, and until
 * there is space for a new one nothing new begins: it would end up half-made and unrecorded.
 */
export class Room {
  readonly #directory: string
  readonly #reserve: string

  constructor(directory: string) {
    this.#directory = directory
    this.#reserve = join(directory, 'reserve')
  }

  /** Reserves space if there is enough. @returns whether it is reserved now */
  async keep(): Promise<boolean> {
    if (existsSync(this.#reserve)) return true
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    if ((await roomLeft(this.#directory)) < RESERVE + 2 * LEAST_ROOM) return false
    try {
      await run('fallocate', ['--length', String(RESERVE), this.#reserve])
      return true
    } catch {
      await rm(this.#reserve, { force: true })
      return false
    }
  }

  /** Whether the disk is full, or nearly: whatever writes without reserving space must stop before it runs out. */
  async isShort(): Promise<boolean> {
    return (await roomLeft(this.#directory)) < LEAST_ROOM
  }

  /** Releases the reserved space. */
  async release(): Promise<void> {
    await rm(this.#reserve, { force: true })
  }

  /** The message for a request that finds no space. */
  get shortage(): string {
    return `${this.#directory}: no space left on device`
  }

  /** Whether a request may begin. @throws ApiError 403 */
  async check(method: string | undefined, path: string): Promise<void> {
    if (method === 'GET' || method === 'DELETE' || !MAKING_PATH.test(path) || READING_PATH.test(path)) return
    if (!(await this.keep())) throw insufficientStorage(this.shortage)
  }

  /** Writes something, using the reserved space if necessary. */
  async spend<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (!isDiskFull(error)) throw error
      await this.release()
      return await write()
    }
  }
}

/** 403, as for any quota; Terraform's backend would retry a 5xx endlessly. */
export const insufficientStorage = (message: string): ApiError => new ApiError(403, 'insufficientStorage', message)
