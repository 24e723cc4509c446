import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { external } from '../../lib/runtime/errors.ts'

/** An image of the lab's registry; nothing in it ever runs, so one empty layer is content enough. */
export interface Image {
  /** Path in the registry: an image of another registry's host H stands under H/. */
  repository: string
  tags: readonly string[]
  /** As in the image's configuration: `amd64`, `arm64`. */
  architecture: string
  labels?: Record<string, string>
}

const APPLICATION = 'web-service-design/threads'

/** What the charts and manifests use of other registries, by the tags they ask for. */
const thirdParties: readonly string[] = [
  'docker.io/library/busybox:1.37.0',
  'docker.io/library/postgres:16.4-alpine',
  'docker.io/rancher/local-path-provisioner:v0.0.30',
  'ghcr.io/dexidp/dex:v2.43.0',
  'ghcr.io/external-secrets/external-secrets:v1.3.1',
  'public.ecr.aws/docker/library/redis:8.2.2-alpine',
  'quay.io/argoproj/argocd:v3.2.1',
  'quay.io/argoprojlabs/argocd-image-updater:v1.1.0',
]

/** Every image that the lab starts with; `commit` is the sample application's, which its images are tagged with. */
export function labImages(commit: string): Image[] {
  const application = ['nextjs', 'ml-service'].map(name => ({
    repository: `${APPLICATION}/${name}`,
    tags: [commit, 'latest'],
    architecture: 'amd64',
    labels: {
      'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': '0.1.0',
    },
  }))
  const others = thirdParties.map(reference => {
    const colon = reference.lastIndexOf(':')
    return { repository: reference.slice(0, colon), tags: [reference.slice(colon + 1)], architecture: 'amd64' }
  })
  return [...application, ...others]
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** A tar archive without members: two blocks of zeros. */
const emptyTar = Buffer.alloc(1024)
const layer = gzipSync(emptyTar)
const digest = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/**
 * Pushes the tags that the registry does not have.
 * @param registry its URL, without a path
 * @returns the references that were pushed
 */
export async function pushMissing(registry: string, images: readonly Image[]): Promise<string[]> {
  const pushed = await Promise.all(
    images.map(async image => {
      const missing: string[] = []
      for (const tag of image.tags) if (!(await hasManifest(registry, image.repository, tag))) missing.push(tag)
      if (missing.length > 0) await push(registry, { ...image, tags: missing })
      return missing.map(tag => `${image.repository}:${tag}`)
    }),
  )
  return pushed.flat()
}

async function hasManifest(registry: string, repository: string, tag: string): Promise<boolean> {
  const answer = await fetch(`${registry}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers: { accept: MANIFEST } })
  return answer.ok
}

/** Pushes an image under each of its tags. @throws OpsError 5 when the registry refuses a part of it */
export async function push(registry: string, { repository, tags, architecture, labels = {} }: Image): Promise<void> {
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: '2025-11-01T00:00:00Z',
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: [digest(emptyTar)] },
      history: [{ created: '2025-11-01T00:00:00Z', created_by: repository }],
    }),
  )
  for (const blob of [config, layer]) await pushBlob(`${registry}/v2/${repository}`, blob)
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: digest(config), size: config.length },
    layers: [{ mediaType: LAYER, digest: digest(layer), size: layer.length }],
  })
  for (const tag of tags) {
    await put(`${registry}/v2/${repository}/manifests/${tag}`, { body: manifest, headers: { 'content-type': MANIFEST } })
  }
}

async function pushBlob(base: string, blob: Buffer): Promise<void> {
  const found = await fetch(`${base}/blobs/${digest(blob)}`, { method: 'HEAD' })
  if (found.ok) return
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
  const location = started.headers.get('location')
  if (!location) throw refused(`${base}/blobs/uploads/`, started.status)
  const upload = new URL(location, base)
  upload.searchParams.set('digest', digest(blob))
  await put(upload.href, { body: new Uint8Array(blob), headers: { 'content-type': 'application/octet-stream' } })
}

async function put(
  url: string,
  request: { body: string | Uint8Array<ArrayBuffer>; headers: Record<string, string> },
): Promise<void> {
  const answer = await fetch(url, { method: 'PUT', ...request })
  if (!answer.ok) throw refused(url, answer.status)
}

const refused = (url: string, status: number) =>
  external(`the lab's registry answered ${status} to ${new URL(url).pathname}`, 'see `./taskw lab:logs -- delivery`')
