import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { external } from '../../lib/runtime/errors.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const STATEMENT = 'application/vnd.in-toto+json'

export interface Platform {
  os: string
  architecture: string
  variant?: string
}

/** An image for one platform. */
export interface Build {
  platform: Platform
  /** ISO 8601; the Image Updater's `newest-build` compares it. */
  created: string
  labels?: Record<string, string>
  /** Uncompressed tar archives. */
  layers: readonly Buffer[]
}

interface Descriptor {
  mediaType: string
  digest: string
  size: number
  platform?: Platform
  annotations?: Record<string, string>
}
interface Stored {
  mediaType: string
  body: Buffer
}

/** An empty tar archive: two blocks of zeros. */
export const emptyTar: Buffer = Buffer.alloc(1024)

export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** One repository of a registry. @param base `<registry>/v2/<repository>` @param token of the lab, which a push wants */
export class Repository {
  readonly #base: string
  readonly #authorization: { authorization: string }

  constructor(base: string, token: string) {
    this.#base = base
    this.#authorization = { authorization: `Bearer ${token}` }
  }

  async has(tag: string): Promise<boolean> {
    const answer = await fetch(`${this.#base}/manifests/${tag}`, {
      method: 'HEAD',
      headers: { accept: [INDEX, MANIFEST].join(', ') },
    })
    return answer.ok
  }

  /**
   * Pushes an image under each of its tags. As with BuildKit, a single build without attestations becomes a plain manifest;
   * anything else becomes an index, which lists an attestation under the platform `unknown/unknown`.
   * @returns the digest of the tags
   * @throws OpsError 5 when the registry rejects any part
   */
  async push(tags: readonly string[], builds: readonly Build[], { attested = false } = {}): Promise<string> {
    const manifests = await Promise.all(builds.map(build => this.#pushBuild(build)))
    const [first] = manifests
    const single = manifests.length === 1 && !attested ? first : undefined
    const top = single ?? (await this.#index(manifests, builds, attested))
    for (const tag of tags) await this.#putManifest(tag, top)
    return digestOf(top.body)
  }

  async #pushBuild({ platform, created, labels = {}, layers }: Build): Promise<Stored> {
    const config = json({
      ...platform,
      created,
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      history: layers.map(() => ({ created, created_by: 'COPY . .' })),
    })
    return this.#manifestOf(
      { mediaType: CONFIG, body: config },
      layers.map(layer => ({ mediaType: LAYER, body: gzipSync(layer) })),
    )
  }

  async #index(manifests: readonly Stored[], builds: readonly Build[], attested: boolean): Promise<Stored> {
    const images = manifests.map((manifest, at) => ({ ...descriptor(manifest), platform: builds[at]?.platform }))
    const attestations = attested ? await Promise.all(images.map(image => this.#attestation(image))) : []
    for (const stored of manifests) await this.#putManifest(digestOf(stored.body), stored)
    return {
      mediaType: INDEX,
      body: json({ schemaVersion: 2, mediaType: INDEX, manifests: [...images, ...attestations] }),
    }
  }

  /** https://docs.docker.com/build/metadata/attestations/attestation-storage/ */
  async #attestation({ digest }: Descriptor): Promise<Descriptor> {
    const platform = { os: 'unknown', architecture: 'unknown' }
    const statement = json({
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://slsa.dev/provenance/v0.2',
      subject: [{ name: '_', digest: { sha256: digest.slice('sha256:'.length) } }],
    })
    const config = json({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(statement)] } })
    const manifest = await this.#manifestOf({ mediaType: CONFIG, body: config }, [{ mediaType: STATEMENT, body: statement }])
    await this.#putManifest(digestOf(manifest.body), manifest)
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': digest,
    }
    return { ...descriptor(manifest), platform, annotations }
  }

  async #manifestOf(config: Stored, layers: readonly Stored[]): Promise<Stored> {
    for (const { body } of [config, ...layers]) await this.#pushBlob(body)
    return {
      mediaType: MANIFEST,
      body: json({ schemaVersion: 2, mediaType: MANIFEST, config: descriptor(config), layers: layers.map(descriptor) }),
    }
  }

  async #pushBlob(blob: Buffer): Promise<void> {
    const found = await fetch(`${this.#base}/blobs/${digestOf(blob)}`, { method: 'HEAD' })
    if (found.ok) return
    const started = await fetch(`${this.#base}/blobs/uploads/`, { method: 'POST', headers: this.#authorization })
    const location = started.headers.get('location')
    if (!location) throw refused(`${this.#base}/blobs/uploads/`, started.status)
    const upload = new URL(location, this.#base)
    upload.searchParams.set('digest', digestOf(blob))
    await this.#put(upload.href, 'application/octet-stream', blob)
  }

  #putManifest(reference: string, { mediaType, body }: Stored): Promise<void> {
    return this.#put(`${this.#base}/manifests/${reference}`, mediaType, body)
  }

  async #put(url: string, contentType: string, body: Buffer): Promise<void> {
    const headers = { ...this.#authorization, 'content-type': contentType }
    const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(body), headers })
    if (!answer.ok) throw refused(url, answer.status)
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const descriptor = ({ mediaType, body }: Stored): Descriptor => ({ mediaType, digest: digestOf(body), size: body.length })

const refused = (url: string, status: number) =>
  external(`the lab's registry answered ${status} to ${new URL(url).pathname}`, 'see `./taskw lab:logs -- delivery`')
