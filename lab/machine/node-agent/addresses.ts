import { run } from '../process.ts'

/**
 * Addresses of pods and services that are the machine's own, on its loopback interface: what listens on them can be reached
 * from anywhere in the machine and from nowhere else. All other addresses of those ranges are unreachable.
 */
export class Addresses {
  readonly #prefixes: readonly string[]
  readonly #held = new Set<string>()

  /** @param prefixes prefixes of such addresses, as in `10.244.` */
  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes
  }

  has(address: string): boolean {
    return this.#held.has(address)
  }

  async hold(address: string): Promise<void> {
    if (this.#held.has(address)) return
    this.#held.add(address)
    await run('ip', ['address', 'replace', `${address}/32`, 'dev', 'lo'])
  }

  async release(address: string): Promise<void> {
    if (this.#held.delete(address)) await run('ip', ['address', 'delete', `${address}/32`, 'dev', 'lo'])
  }

  /** Removes the addresses that a killed agent has left. */
  async clear(): Promise<void> {
    const [link] = JSON.parse(await run('ip', ['-json', 'address', 'show', 'dev', 'lo'])) as {
      addr_info: { local: string; prefixlen: number }[]
    }[]
    for (const { local, prefixlen } of link?.addr_info ?? []) {
      if (!this.#prefixes.some(prefix => local.startsWith(prefix))) continue
      await run('ip', ['address', 'delete', `${local}/${prefixlen}`, 'dev', 'lo'])
    }
  }
}
