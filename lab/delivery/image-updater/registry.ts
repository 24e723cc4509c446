import { messageOf } from '../../../lib/runtime/errors.ts'
import { parseImage, repositoryIn } from '../../machine/node-agent/images.ts'
import { fits, type Tag } from './decide.ts'

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

interface Platform {
  os?: string
  architecture?: string
  variant?: string
}
interface Manifest {
  manifests?: { digest: string; platform?: Platform }[]
  config?: { digest: string }
}
interface Config extends Platform {
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

  /**
   * What the registry says about a tag. Of an index, only the manifests for the wanted platforms are read.
   * @throws Error in the updater's words when any of that cannot be read
   */
  async tag(image: string, name: string, platforms: readonly string[]): Promise<Tag> {
    const key = `${image}:${name} ${platforms}`
    const known = this.#cache.get(key)
    if (known) return known
    const base = this.#base(image)
    const subject = `${new URL(base).pathname.replace('/v2/', '')}:${name}`
    const manifest = await this.#json<Manifest>(`${base}/manifests/${name}`).catch(error => {
      throw new Error(
        `Error fetching metadata for ${subject} - neither V1 or V2 or OCI manifest returned by registry: ${messageOf(error)}`,
      )
    })
    const builds = await this.#builds(base, manifest, platforms).catch(error => {
      throw new Error(`error fetching metadata for ${subject}: ${messageOf(error)}`)
    })
    const tag = { name, builds }
    this.#cache.set(key, tag)
    return tag
  }

  async #builds(base: string, { manifests, config }: Manifest, platforms: readonly string[]): Promise<Tag['builds']> {
    const isWanted = (platform: string) => platforms.some(wanted => fits(platform, wanted))
    if (manifests) {
      if (manifests.length === 0) throw new Error('empty index not supported')
      const children = manifests.map(async ({ digest, platform = {} }) => {
        const written = text(platform)
        if (!isWanted(written)) return [{ platform: written }]
        const child = await this.#json<Manifest>(`${base}/manifests/${digest}`).catch(error => {
          throw new Error(`could not fetch manifest ${digest}: ${messageOf(error)}`)
        })
        return await this.#builds(base, child, platforms).catch(error => {
          throw new Error(`could not fetch metadata for manifest ${digest}: ${messageOf(error)}`)
        })
      })
      return (await Promise.all(children)).flat()
    }
    if (!config) throw new Error('invalid manifest type')
    const { created, ...platform } = await this.#json<Config>(`${base}/blobs/${config.digest}`)
    const build = { platform: text(platform), ...(created !== undefined && { created }) }
    if (isWanted(build.platform) && !Number.isFinite(Date.parse(created ?? '')))
      throw new Error(`cannot parse created time ${JSON.stringify(created ?? '')}`)
    return [build]
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

const text = ({ os, architecture, variant }: Platform): string => [os, architecture, variant].filter(Boolean).join('/')
