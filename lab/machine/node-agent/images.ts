import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { writeAtomically } from '../../../lib/runtime/files.ts'
import { layUpon, unpackLayer } from './layers.ts'

/** An image's full name, as containerd completes it: `docker.io/library/postgres:16`. */
export interface ImageReference {
  host: string
  path: string
  /** Tag or digest. */
  version: string
  /** The whole name, normalized. */
  name: string
}

/** Undefined for an invalid name. Grammar: https://github.com/distribution/reference */
export function parseImage(image: string): ImageReference | undefined {
  const match =
    /^((?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*)(?::\d+)?\/)?([a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(@sha256:[0-9a-f]{64})?$/.exec(
      image,
    )
  if (!match) return undefined
  const [, first = '', rest = '', tag, digest] = match
  // Docker's rule: a first part without a dot or port is not a host name.
  const isHost = /[.:]/.test(first) || first === 'localhost/'
  const host = isHost ? first.slice(0, -1) : 'docker.io'
  const repository = isHost ? rest : first + rest
  const path = host === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository
  const version = digest?.slice(1) ?? tag ?? 'latest'
  const suffix = digest ? `${tag ? `:${tag}` : ''}${digest}` : `:${version}`
  return { host, path, version, name: `${host}/${path}${suffix}` }
}

/** The path in the lab's only registry of an image from any other one; Artifact Registry's are at the root. */
export const repositoryIn = ({ host, path }: ImageReference): string =>
  host === 'us-east1-docker.pkg.dev' ? path : `${host}/${path}`

export interface PulledImage {
  name: string
  /** `<host>/<path>@sha256:…` */
  imageID: string
  bytes: number
  labels: Record<string, string>
  /** The folder with its unpacked layers. */
  content: string
}

/** A failed pull, with the message that the kubelet shows. */
export class PullError extends Error {
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName'
  constructor(reason: PullError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

interface Descriptor {
  digest: string
  size: number
  platform?: { os: string; architecture: string }
}
interface Configuration {
  architecture?: string
  os?: string
  config?: { Labels?: Record<string, string> | null }
}
interface Manifest {
  /** Only in an index. */
  manifests?: Descriptor[]
  config?: Descriptor
  layers?: Descriptor[]
}

/** The machine's images; pulled ones are recorded on its disk. */
export class Images {
  readonly #registry: string
  readonly #file: string
  readonly #present: Map<string, PulledImage>
  /** Pods that start together pull the same image at the same time: one of them unpacks it for all. */
  readonly #unpacking = new Map<string, Promise<string>>()

  /** @param registry base URL of the lab's registry */
  constructor(registry: string, file: string) {
    this.#registry = registry
    this.#file = file
    this.#present = new Map(Object.entries(readJson(file) as Record<string, PulledImage>))
  }

  find(image: string): PulledImage | undefined {
    const name = parseImage(image)?.name
    const present = name === undefined ? undefined : this.#present.get(name)
    return present && existsSync(present.content) ? present : undefined
  }

  /** Pulls an image for linux/amd64 from the registry. @throws PullError in the kubelet's words */
  async pull(image: string): Promise<PulledImage> {
    const reference = parseImage(image)
    if (!reference) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`
      throw new PullError('InvalidImageName', message)
    }
    const { digest, manifest } = await this.#manifest(reference, reference.version)
    const own = manifest.manifests ? await this.#forPlatform(reference, manifest.manifests) : manifest
    const configuration = await this.#configuration(reference, own)
    // With a single manifest for another platform, containerd fails only at the start, with `exec format error`; here the pull
    // fails.
    const { architecture = 'amd64', os = 'linux' } = manifest.manifests ? {} : configuration
    if (architecture !== 'amd64' || os !== 'linux') throw noMatch(reference)
    const pulled: PulledImage = {
      name: reference.name,
      imageID: `${reference.host}/${reference.path}@${digest}`,
      bytes: [own.config, ...(own.layers ?? [])].reduce((sum, part) => sum + (part?.size ?? 0), 0),
      labels: configuration.config?.Labels ?? {},
      content: await this.#unpacked(reference, digest, own.layers ?? []),
    }
    this.#present.set(reference.name, pulled)
    await writeAtomically(this.#file, JSON.stringify(Object.fromEntries(this.#present)), 0o644)
    return pulled
  }

  async #forPlatform(reference: ImageReference, manifests: readonly Descriptor[]): Promise<Manifest> {
    const own = manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64')
    if (!own) throw noMatch(reference)
    return (await this.#manifest(reference, digestIn(reference, own))).manifest
  }

  async #configuration(reference: ImageReference, { config }: Manifest): Promise<Configuration> {
    if (!config) return {}
    const bytes = await bytesOf(await this.#fetch(reference, `blobs/${digestIn(reference, config)}`))
    assertDigest(reference, digestOf(bytes), config.digest)
    return JSON.parse(bytes.toString()) as Configuration
  }

  #unpacked(reference: ImageReference, digest: string, layers: readonly Descriptor[]): Promise<string> {
    const started = this.#unpacking.get(digest) ?? this.#unpack(reference, digest, layers)
    this.#unpacking.set(digest, started)
    return started.finally(() => this.#unpacking.delete(digest))
  }

  /** Unpacks the layers on top of each other, completely or not at all. @returns the folder, which only root can open */
  async #unpack(reference: ImageReference, digest: string, layers: readonly Descriptor[]): Promise<string> {
    const images = join(dirname(this.#file), 'images')
    const folder = join(images, digest.replace(/^sha256:/, ''))
    // Users of the machine must not come upon an image's programs that run as their owner.
    await mkdir(images, { recursive: true })
    await chmod(images, 0o700)
    if (existsSync(folder)) return folder
    const [partial, unpacked] = [`${folder}.partial`, `${folder}.layer`]
    for (const left of [partial, unpacked]) await rm(left, { recursive: true, force: true })
    await mkdir(partial)
    for (const layer of layers) {
      await this.#unpackLayer(reference, layer, unpacked)
      await layUpon(partial, unpacked)
      await rm(unpacked, { recursive: true })
    }
    await rename(partial, folder)
    return folder
  }

  async #unpackLayer(reference: ImageReference, layer: Descriptor, folder: string): Promise<void> {
    const { body } = await this.#fetch(reference, `blobs/${digestIn(reference, layer)}`)
    const hash = createHash('sha256')
    if (!body) throw failed('Unknown', `failed to pull and unpack image "${reference.name}": the registry sent no layer`)
    const archive = Readable.fromWeb(body as ReadableStream)
    const hashed = archive.map((chunk: Uint8Array) => {
      hash.update(chunk)
      return chunk
    })
    const failure = await unpackLayer(hashed, folder).catch((error: Error) => error)
    // Of what was not sent whole, tar's words say less.
    if (!failure || hashed.readableEnded) assertDigest(reference, `sha256:${hash.digest('hex')}`, layer.digest)
    if (failure) throw failure
  }

  async #manifest(reference: ImageReference, version: string): Promise<{ digest: string; manifest: Manifest }> {
    const response = await this.#fetch(reference, `manifests/${version}`)
    const bytes = await bytesOf(response)
    // The folder is named after it, so it is not what the registry says that it is.
    const digest = digestOf(bytes)
    if (version.startsWith('sha256:')) assertDigest(reference, digest, version)
    return { digest, manifest: JSON.parse(bytes.toString()) as Manifest }
  }

  async #fetch(reference: ImageReference, what: string): Promise<Response> {
    const { name } = reference
    const resolving = `failed to pull and unpack image "${name}": failed to resolve reference "${name}"`
    let response: Response
    try {
      response = await fetch(`${this.#registry}/v2/${repositoryIn(reference)}/${what}`, { headers: { accept: ACCEPT } })
    } catch (error) {
      const url = `https://${reference.host}/v2/${reference.path}/${what}`
      const cause = (error as Error).cause as Error | undefined
      throw failed(
        'Unknown',
        `${resolving}: failed to do request: Head "${url}": ${cause?.message ?? (error as Error).message}`,
      )
    }
    if (response.ok) return response
    await response.body?.cancel()
    if (response.status === 404) throw failed('NotFound', `${resolving}: ${name}: not found`)
    throw failed('Unknown', `${resolving}: unexpected status from HEAD request: ${response.status} ${response.statusText}`)
  }
}

const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer())

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A part's digest, which becomes a part of a path. @throws PullError when it is something else */
function digestIn({ name }: ImageReference, { digest }: Descriptor): string {
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest
  throw failed('InvalidArgument', `failed to pull and unpack image "${name}": invalid checksum digest format: ${digest}`)
}

/** @throws PullError in containerd's words */
function assertDigest({ name }: ImageReference, actual: string, expected: string): void {
  if (actual === expected) return
  const message = `failed to pull and unpack image "${name}": failed commit: unexpected commit digest ${actual}, expected ${expected}`
  throw failed('FailedPrecondition', `${message}: failed precondition`)
}

const failed = (code: string, description: string): PullError =>
  new PullError('ErrImagePull', `rpc error: code = ${code} desc = ${description}`)

const noMatch = ({ name }: ImageReference): PullError =>
  failed('NotFound', `failed to pull and unpack image "${name}": no match for platform in manifest: not found`)

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}
