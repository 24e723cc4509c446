import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../../lib/runtime/errors.ts'
import { Api } from '../node-agent/api.ts'
import { applyStack } from './apply.ts'
import { type Manifest, parseManifests } from './stack.ts'

/** Milliseconds between two looks at the folder. */
const EVERY_MS = 1000
/** As k0s: the first retry comes after this many milliseconds, each further one after twice as many, and then it waits for a change. */
const RETRY_MS = 100
const ATTEMPTS = 10

/**
 * k0s's Manifest Deployer: each folder in `<data dir>/manifests` is a stack, whose `*.yaml` files are applied now and whenever they
 * change; what is taken from them is deleted. Returns when the signal aborts. https://docs.k0sproject.io/stable/manifests/
 */
export async function deployManifests(dataDir: string, log: (text: string) => void, signal: AbortSignal): Promise<void> {
  const api = new Api(join(dataDir, 'pki/admin.conf'))
  const apply = (stack: string, manifests: readonly Manifest[]) => applyStack(api, stack, manifests)
  const deployer = new Deployer(join(dataDir, 'manifests'), { apply, log })
  while (!signal.aborted) {
    await deployer.poll(performance.now())
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

interface Effects {
  apply(stack: string, manifests: readonly Manifest[]): Promise<void>
  log(text: string): void
}

interface Stack {
  /** What its files were at the last look. */
  seen: string
  /** What they were when they were applied. */
  applied?: string
  attempts: number
  /** When to try again, in `now`'s milliseconds. */
  retryAt: number
}

/** A stack whose folder is gone. */
const GONE = ''

export class Deployer {
  readonly #folder: string
  readonly #effects: Effects
  readonly #stacks = new Map<string, Stack>()

  constructor(folder: string, effects: Effects) {
    this.#folder = folder
    this.#effects = effects
  }

  /** Looks at every stack once. Files that have just changed are left to the next look: somebody may still be writing. */
  async poll(now: number): Promise<void> {
    const entries = await readdir(this.#folder, { withFileTypes: true }).catch(() => [])
    const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
    for (const name of [...new Set([...folders, ...this.#stacks.keys()])].sort()) {
      const seen = await this.#signature(name)
      const stack = this.#stacks.get(name)
      if (stack && stack.seen !== seen) {
        Object.assign(stack, { seen, attempts: 0, retryAt: now })
        continue
      }
      const current = stack ?? { seen, attempts: 0, retryAt: now }
      this.#stacks.set(name, current)
      if (current.applied !== seen && current.attempts < ATTEMPTS && now >= current.retryAt)
        await this.#apply(name, current, now)
    }
  }

  async #apply(name: string, stack: Stack, now: number): Promise<void> {
    const { apply, log } = this.#effects
    const seen = stack.seen
    try {
      await apply(name, await this.#manifests(name))
      stack.applied = seen
      if (seen === GONE) this.#stacks.delete(name)
      log(`manifests: stack ${name}: ${seen === GONE ? 'deleted' : 'applied'}`)
    } catch (error) {
      stack.retryAt = now + RETRY_MS * 2 ** stack.attempts++
      const next = stack.attempts < ATTEMPTS ? 'retrying after backoff' : 'giving up until its files change'
      log(`manifests: stack ${name}: failed to apply in attempt ${stack.attempts}, ${next}: ${messageOf(error)}`)
    }
  }

  async #files(name: string): Promise<string[]> {
    const entries = await readdir(join(this.#folder, name)).catch(() => undefined)
    return (entries ?? []).filter(file => file.endsWith('.yaml')).sort()
  }

  /** Differs whenever the files do. */
  async #signature(name: string): Promise<string> {
    const folder = await stat(join(this.#folder, name)).catch(() => undefined)
    if (!folder?.isDirectory()) return GONE
    const files = (await this.#files(name)).map(async file => {
      const found = await stat(join(this.#folder, name, file)).catch(() => undefined)
      return `${file} ${found?.ino} ${found?.size} ${found?.mtimeMs}`
    })
    return ['stack', ...(await Promise.all(files))].join('\n')
  }

  async #manifests(name: string): Promise<Manifest[]> {
    const files = (await this.#files(name)).map(async file => {
      const path = join(this.#folder, name, file)
      try {
        return parseManifests(await readFile(path, 'utf8'))
      } catch (error) {
        throw new Error(`${path}: ${messageOf(error)}`)
      }
    })
    return (await Promise.all(files)).flat()
  }
}
