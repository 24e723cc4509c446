import { createHash } from 'node:crypto'
import type { ImageFacts } from '../model/image/facts.ts'
import { isGoogleRegistry, splitRepository } from '../model/image/reference.ts'
import { Answered, attempt, type Deadlines } from '../runtime/attempt.ts'
import { external, precondition } from '../runtime/errors.ts'
import type { Credentials } from './credentials.ts'

/** A registry's images, through the OCI distribution API. */
export interface Registry {
  /**
   * What a tag or digest points to; undefined when there is no such image.
   * @param repository with the registry's host, without tag
   * @throws OpsError 4 when the registry refuses the credentials, 5 when it can't be reached, 124 when it does not answer, 130
   */
  image(repository: string, reference: string, signal?: AbortSignal): Promise<ImageFacts | undefined>
}

const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
const ACCEPT = [...INDEXES, ...MANIFESTS].join(', ')

const NOT_OURS =
  "only Google's registries get our credentials: make the image readable without any, or keep it in Artifact Registry"

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

/**
 * @param credentials Google's, which go to Google's registries alone; those of `endpoint` where there is one
 * @param endpoint URL of the registry, whatever host the images' names have; by default that host
 */
export function openRegistry(
  credentials: Credentials,
  endpoint?: string,
  { deadlines }: { deadlines?: Deadlines } = {},
): Registry {
  const isOurs = (url: string): boolean => endpoint !== undefined || isGoogleRegistry(url)
  /** A digest's content never changes. */
  const known = new Map<string, ImageFacts>()

  /** @returns what `read` makes of the answer; undefined when there is no such thing */
  const ask = <T>(
    url: string,
    method: 'GET' | 'HEAD',
    signal: AbortSignal | undefined,
    read: (answer: Response) => Promise<T>,
  ): Promise<T | undefined> =>
    attempt({
      service: `the registry ${new URL(url).host}`,
      what: `${method} ${url}`,
      hint: 'check the network and run it again',
      repeatable: true,
      signal,
      deadlines,
      async call(stop) {
        // Artifact Registry takes Google's access tokens as they are.
        const authorization = isOurs(url) ? { authorization: `Bearer ${await credentials.token()}` } : {}
        const headers = { accept: ACCEPT, ...authorization }
        const answer = await fetch(url, { method, headers, signal: stop })
        if (answer.ok) return await read(answer)
        await answer.body?.cancel()
        const { status } = answer
        if (status === 404) return undefined
        const message = `the registry answers ${status} to ${method} ${url}`
        throw status === 401 || status === 403
          ? precondition(message, isOurs(url) ? 'these credentials need roles/artifactregistry.reader' : NOT_OURS)
          : external(message, 'run it again', new Answered(status, answer.headers.get('retry-after')))
      },
    })

  async function platformOf(base: string, { config }: Manifest, signal?: AbortSignal): Promise<Platform> {
    const url = `${base}/blobs/${config?.digest}`
    return (config && (await ask(url, 'GET', signal, async answer => objectIn<Platform>(await answer.text())))) ?? {}
  }

  return {
    async image(repository, reference, signal) {
      const { host, path } = splitRepository(repository)
      const base = `${(endpoint ?? `https://${host}`).replace(/\/$/, '')}/v2/${path}`
      // The cheapest question first: mostly there is nothing yet, or nothing new.
      const head = await ask(`${base}/manifests/${reference}`, 'HEAD', signal, async answer => answer.headers)
      const advertised = head?.get('docker-content-digest') ?? undefined
      const before = advertised === undefined ? undefined : known.get(advertised)
      if (!head || before) return before
      const answer = await ask(`${base}/manifests/${advertised ?? reference}`, 'GET', signal, async found => {
        const body = await found.text()
        return { body, manifest: objectIn<Manifest>(body) }
      })
      if (!answer) return undefined
      const { body, manifest } = answer
      const digest = advertised ?? `sha256:${createHash('sha256').update(body).digest('hex')}`
      const children = manifest.manifests ?? [{ digest, platform: await platformOf(base, manifest, signal) }]
      const facts = { digest, builds: children.flatMap(child => buildOf(child) ?? []) }
      known.set(digest, facts)
      return facts
    },
  }
}

/** @throws for anything but a JSON object */
function objectIn<T extends object>(text: string): T {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('its answer is no JSON object')
  return value as T
}

/** An index lists attestations next to the images, with an unknown platform. */
function buildOf({ digest, platform = {} }: { digest: string; platform?: Platform }): ImageFacts['builds'][number] | undefined {
  const { os, architecture, variant } = platform
  if (!os || !architecture || os === 'unknown') return undefined
  return { digest, platform: [os, architecture, variant].filter(Boolean).join('/') }
}
