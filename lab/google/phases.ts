import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Journal } from '../../lib/runtime/journal.ts'
import { readRecord } from '../state/stored.ts'
import type { Cloud } from './compute/cloud.ts'
import { type Instance, isSpot } from './compute/instance.ts'
import { preempt } from './compute/preemption.ts'
import { every } from './every.ts'
import type { Faults } from './faults.ts'

/** How often to check for new phases. */
const LOOK_EVERY_MS = 50

/**
 * Preempts machines when the toolkit begins a phase. It learns that from the journals, which it reads while a fault waits for a
 * phase.
 */
export class Phases {
  readonly #cloud: Cloud
  readonly #faults: Faults
  readonly #runs: string
  /** Since when a fault has been waiting for a phase, in milliseconds since the epoch; earlier phases do not count. */
  #since: number | undefined
  readonly #seen = new Set<string>()
  #looking: NodeJS.Timeout | undefined

  /** @param runs the folder that contains a folder with a journal for each run */
  constructor(cloud: Cloud, faults: Faults, runs: string) {
    this.#cloud = cloud
    this.#faults = faults
    this.#runs = runs
    faults.onPhaseAwaited = () => {
      this.#since ??= Date.now()
      this.#looking ??= every(LOOK_EVERY_MS, () => this.#look())
    }
  }

  close(): void {
    clearInterval(this.#looking)
    this.#looking = undefined
    this.#since = undefined
  }

  async #look(): Promise<void> {
    const since = this.#since
    if (since === undefined || !this.#faults.awaitsPhase) return this.close()
    for (const { id, env = '', current } of await this.#journalsSince(since)) {
      if (!current || Date.parse(current.startedAt) < since) continue
      const begun = `${id} ${current.id} ${current.startedAt}`
      if (this.#seen.has(begun)) continue
      this.#seen.add(begun)
      const fault = this.#faults.phase(current.id)
      if (fault) this.#preempt(env, fault.machine)
    }
  }

  /** Preempts the machine with that name, or all of the environment. */
  #preempt(environment: string, machine: string | undefined): void {
    for (const instance of this.#cloud.all<Instance>('instances')) {
      const labels = instance.labels as Record<string, string> | undefined
      const isMeant = machine === undefined ? labels?.environment === environment : instance.name === machine
      if (!isMeant || !isSpot(instance) || instance.status !== 'RUNNING') continue
      preempt(this.#cloud, instance)
    }
  }

  async #journalsSince(since: number): Promise<Partial<Journal>[]> {
    const found: Partial<Journal>[] = []
    for (const name of await readdir(this.#runs).catch((): string[] => [])) {
      const file = join(this.#runs, name, 'journal.json')
      const { mtimeMs = 0 } = (await stat(file).catch(() => undefined)) ?? {}
      if (mtimeMs < since) continue
      found.push((await readRecord<Journal>(file)) ?? {})
    }
    return found
  }
}
