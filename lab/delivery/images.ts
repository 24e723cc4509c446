import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../lib/runtime/files.ts'
import { type Build, emptyTar, Repository } from './oci.ts'

/** An image of the lab's registry; nothing in it ever runs, so one empty layer will do. */
export interface Image {
  /** Path in the registry: an image from another registry's host H is below H/. */
  repository: string
  tags: readonly string[]
  /** As in the image's configuration: `amd64`, `arm64`. */
  architecture: string
  labels?: Record<string, string>
}

const APPLICATION = 'web-service-design/threads'
const manifests = join(root, 'k8s/base')
const OWN_IMAGE = new RegExp(`\\bimage: \\S+/${APPLICATION}/([\\w.-]+):`, 'g')

/** The services that the manifests run: one that the sample's workflow does not build yet has its first image all the same. */
const services = (): string[] => {
  const texts = readdirSync(manifests).map(file => readFileSync(join(manifests, file), 'utf8'))
  return [...new Set(texts.flatMap(text => [...text.matchAll(OWN_IMAGE)].map(([, name = '']) => name)))]
}

/** Images from other registries that the charts and manifests use, with their tags. */
const thirdParties: readonly string[] = [
  'docker.io/cloudflare/cloudflared:2025.10.1',
  'docker.io/library/busybox:1.37.0',
  'docker.io/library/postgres:16.4-alpine',
  'docker.io/library/postgres:17-alpine',
  'docker.io/rancher/local-path-provisioner:v0.0.30',
  'ghcr.io/dexidp/dex:v2.43.0',
  'ghcr.io/external-secrets/external-secrets:v1.3.1',
  'public.ecr.aws/docker/library/redis:8.2.2-alpine',
  'quay.io/argoproj/argocd:v3.2.1',
  'quay.io/argoprojlabs/argocd-image-updater:v1.1.0',
]

/** Every image that the lab starts with; `commit` is the sample application's, and the tag of its images. */
export function labImages(commit: string): Image[] {
  const application = services().map(name => ({
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

/**
 * Pushes the tags that the registry does not have.
 * @param registry its URL, without a path
 * @param token of the lab
 * @returns the pushed references
 */
export async function pushMissing(registry: string, images: readonly Image[], token: string): Promise<string[]> {
  const pushed = await Promise.all(
    images.map(async image => {
      const repository = new Repository(`${registry}/v2/${image.repository}`, token)
      const missing: string[] = []
      for (const tag of image.tags) if (!(await repository.has(tag))) missing.push(tag)
      if (missing.length > 0) await repository.push(missing, [contentOf(image)])
      return missing.map(tag => `${image.repository}:${tag}`)
    }),
  )
  return pushed.flat()
}

/** Pushes an image under each of its tags. @throws OpsError 5 when the registry rejects any part */
export async function push(registry: string, image: Image, token: string): Promise<void> {
  await new Repository(`${registry}/v2/${image.repository}`, token).push(image.tags, [contentOf(image)])
}

const contentOf = ({ repository, architecture, labels = {} }: Image): Build => ({
  platform: { os: 'linux', architecture },
  created: '2025-11-01T00:00:00Z',
  // Otherwise all empty images would have the same digest.
  labels: { 'org.opencontainers.image.title': repository.split('/').at(-1) ?? repository, ...labels },
  layers: [emptyTar],
})
