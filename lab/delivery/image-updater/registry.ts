import { parseImage, repositoryIn } from '../../machine/node-agent/images.ts'
import type { Tag } from './decide.ts'

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

interface Manifest {
  manifests?: { digest: string }[]
  config?: { digest: string }
}
interface Config {
  os?: string
  architecture?: string
  variant?: string
  created?: string
}

/** Reads tags from the lab's registry, which stands in for all others. What was read about a tag is cached for good. */
export class Registry {
  readonly #url: string
  readonly #cache = new Map<string, Tag>()

  constructor(url: string) {
    this.#url = url
  }

  /** @param image with its registry, without tag */
  async tags(image: string): Promise<string[]> {
    const { tags } = await this.#json<{ tags: string[] | null }>(`${this.#base(image)}/tags/list`)
    return tags ?? []
  }

  async tag(image: string, name: string): Promise<Tag> {
    const key = `${image}:${name}`
    const known = this.#cache.get(key)
    if (known) return known
    const tag = { name, builds: await this.#builds(this.#base(image), name) }
    this.#cache.set(key, tag)
    return tag
  }

  async #builds(base: string, reference: string): Promise<Tag['builds']> {
    const { manifests, config } = await this.#json<Manifest>(`${base}/manifests/${reference}`)
    if (manifests) return (await Promise.all(manifests.map(({ digest }) => this.#builds(base, digest)))).flat()
    if (!config) return []
    const { os, architecture, variant, created } = await this.#json<Config>(`${base}/blobs/${config.digest}`)
    // An attestation has no creation date, and no use as a platform.
    return created ? [{ platform: [os, architecture, variant].filter(Boolean).join('/'), created }] : []
  }

  #base(image: string): string {
    const reference = parseImage(image)
    if (!reference) throw new Error(`invalid image name ${image}`)
    return `${this.#url}/v2/${repositoryIn(reference)}`
  }

  async #json<T>(url: string): Promise<T> {
    const answer = await fetch(url, { headers: { accept: ACCEPT } })
    if (!answer.ok) throw new Error(`${new URL(url).pathname}: ${answer.status} ${answer.statusText}`)
    return (await answer.json()) as T
  }
}
