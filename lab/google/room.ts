import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDiskFull } from '../../lib/runtime/errors.ts'
import { run } from '../machine/process.ts'
import { LEAST_ROOM, roomLeft } from '../state/disk-space.ts'
import { ApiError } from './http/errors.ts'

/** Bytes kept for what was begun to be written to its end: operations, Terraform's states, what machines that are ended have in memory. */
const RESERVE = 48 * 2 ** 20

/** Of Google's JSON APIs those that make things; Storage takes what there is room for. */
const MAKING_PATH = /^\/(compute|v1)\//
/** What is asked for by POST without making anything. */
const READING_PATH = /(\/wait|:getIamPolicy|[:/]testIamPermissions)$/

/**
 * The room that a state has on its disk. A file holds some of it back: when the disk is full it goes, and until there is room for another
 * nothing new is begun, for half of it would be made, and nothing would know.
 */
export class Room {
  readonly #directory: string
  readonly #reserve: string

  constructor(directory: string) {
    this.#directory = directory
    this.#reserve = join(directory, 'reserve')
  }

  /** Holds room back, unless there is none. @returns whether it is held back now */
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

  /** Whether the disk is full, or nearly: what writes without asking for room must end before it meets the end of it. */
  async isShort(): Promise<boolean> {
    return (await roomLeft(this.#directory)) < LEAST_ROOM
  }

  /** Lets go of what was held back. */
  async release(): Promise<void> {
    await rm(this.#reserve, { force: true })
  }

  /** What a request that finds no room is told. */
  get shortage(): string {
    return `${this.#directory}: no space left on device`
  }

  /** Whether a request may begin. @throws ApiError 403 */
  async check(method: string | undefined, path: string): Promise<void> {
    if (method === 'GET' || method === 'DELETE' || !MAKING_PATH.test(path) || READING_PATH.test(path)) return
    if (!(await this.keep())) throw insufficientStorage(this.shortage)
  }

  /** Does a write, if need be in the room that was held back for it. */
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

/** As with any quota; of 5xx Terraform's backend would try each again, without end. */
export const insufficientStorage = (message: string): ApiError => new ApiError(403, 'insufficientStorage', message)
