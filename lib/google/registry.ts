import { createHash } from 'node:crypto'
import type { ImageFacts } from '../model/image/facts.ts'
import { splitRepository } from '../model/image/reference.ts'
import { external, messageOf, precondition } from '../runtime/errors.ts'
import type { Credentials } from './credentials.ts'

/** A registry's images, through the OCI distribution API. */
export interface Registry {
  /**
   * What a tag or digest points to; undefined when there is no such image.
   * @param repository with the registry's host, without tag
   * @throws OpsError 4 when the registry refuses the credentials, 5 when it can't be reached
   */
  image(repository: string, reference: string, signal?: AbortSignal): Promise<ImageFacts | undefined>
}

const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
const ACCEPT = [...INDEXES, ...MANIFESTS].join(', ')

const REQUEST_MS = 20_000

interface Platform {
  os?: string
  architecture?: string
  variant?: string
}
interface Manifest {
  mediaType?: string
  manifests?: { digest: string; platform?: Platform }[]
  config?: { digest: string }
}

/** @param endpoint URL of the registry, whatever host the images' names have; by default that host */
export function openRegistry(credentials: Credentials, endpoint?: string): Registry {
  /** A digest's content never changes. */
  const known = new Map<string, ImageFacts>()

  async function ask(url: string, method: 'GET' | 'HEAD', signal?: AbortSignal): Promise<Response | undefined> {
    const deadline = AbortSignal.timeout(REQUEST_MS)
    let answer: Response
    try {
      // Artifact Registry takes Google's access tokens as they are.
      const headers = { accept: ACCEPT, authorization: `Bearer ${await credentials.token()}` }
      answer = await fetch(url, { method, headers, signal: signal ? AbortSignal.any([signal, deadline]) : deadline })
    } catch (error) {
      throw external(`can't reach the registry: ${messageOf(error)}: ${url}`, 'check the network and run it again', error)
    }
    if (answer.ok) return answer
    await answer.body?.cancel()
    if (answer.status === 404) return undefined
    const message = `the registry answers ${answer.status} to ${method} ${url}`
    throw answer.status === 401 || answer.status === 403
      ? precondition(message, 'these credentials need roles/artifactregistry.reader')
      : external(message, 'run it again')
  }

  async function platformOf(base: string, { config }: Manifest, signal?: AbortSignal): Promise<Platform> {
    const answer = config && (await ask(`${base}/blobs/${config.digest}`, 'GET', signal))
    return answer ? ((await answer.json()) as Platform) : {}
  }

  return {
    async image(repository, reference, signal) {
      const { host, path } = splitRepository(repository)
      const base = `${(endpoint ?? `https://${host}`).replace(/\/$/, '')}/v2/${path}`
      // The cheapest question first: mostly there is nothing yet, or nothing new.
      const head = await ask(`${base}/manifests/${reference}`, 'HEAD', signal)
      const advertised = head?.headers.get('docker-content-digest') ?? undefined
      const before = advertised === undefined ? undefined : known.get(advertised)
      if (!head || before) return before
      const answer = await ask(`${base}/manifests/${advertised ?? reference}`, 'GET', signal)
      if (!answer) return undefined
      const body = Buffer.from(await answer.arrayBuffer())
      const digest = advertised ?? `sha256:${createHash('sha256').update(body).digest('hex')}`
      const manifest = JSON.parse(body.toString()) as Manifest
      const children = manifest.manifests ?? [{ digest, platform: await platformOf(base, manifest, signal) }]
      const facts = { digest, builds: children.flatMap(child => buildOf(child) ?? []) }
      known.set(digest, facts)
      return facts
    },
  }
}

/** An index lists attestations next to the images, with an unknown platform. */
function buildOf({ digest, platform = {} }: { digest: string; platform?: Platform }): ImageFacts['builds'][number] | undefined {
  const { os, architecture, variant } = platform
  if (!os || !architecture || os === 'unknown') return undefined
  return { digest, platform: [os, architecture, variant].filter(Boolean).join('/') }
}
