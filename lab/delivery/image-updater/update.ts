import type { Api } from '../../machine/node-agent/api.ts'
import type { KubernetesObject } from '../../machine/node-agent/kubernetes.ts'
import { type ImageSettings, matchesPattern, settingsOf } from './annotations.ts'
import { candidates, type Level, liveTag, newestBuild, withImage } from './decide.ts'
import type { Registry } from './registry.ts'

export interface ImageUpdater extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { generation?: number }
  spec: { applicationRefs: { namePattern: string; useAnnotations?: boolean }[] }
}

interface Application extends KubernetesObject {
  spec: { source?: { kustomize?: { images?: string[] } } }
  status?: { sourceType?: string; summary?: { images?: string[] } }
}

interface Change {
  image: string
  from: string
  to: string
}

export interface Surroundings {
  api: Api
  registry: Registry
  namespace: string
  /** The updater's own platform, the default where annotations name none. */
  ownPlatform: string
  events: boolean
  say(level: Level, message: string, fields: Record<string, string>): void
}

/** One pass over the Applications that an ImageUpdater selects. */
export async function updateApplications({ spec }: ImageUpdater, surroundings: Surroundings): Promise<void> {
  const { api, namespace } = surroundings
  const { items } = await api.get<{ items: Application[] }>(applicationsIn(namespace))
  for (const application of items) {
    const { name } = application.metadata
    const reference = spec.applicationRefs.find(({ namePattern }) => matchesPattern(namePattern, name))
    if (reference?.useAnnotations) await updateApplication(application, surroundings)
  }
}

const applicationsIn = (namespace: string): string => `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`

async function updateApplication(application: Application, surroundings: Surroundings): Promise<void> {
  const { api, namespace, say, events } = surroundings
  const { name, annotations } = application.metadata
  const fields = { application: name }
  const settings = settingsOf(annotations)
  if (!settings) return
  if (application.status?.sourceType !== 'Kustomize') return say('warn', 'skipping app of an unsupported source type', fields)
  if (settings.writeBack !== 'argocd') {
    return say('error', `write-back method ${settings.writeBack} is not supported here`, fields)
  }
  let images = application.spec.source?.kustomize?.images ?? []
  const changes: Change[] = []
  for (const image of settings.images) {
    const live = liveTag(application.status?.summary?.images, image.image)
    if (live === undefined) {
      say('debug', `Image '${image.image}' seems not to be live in this application, skipping`, fields)
      continue
    }
    const tag = (await newestTag(image, name, surroundings)) ?? live
    images = withImage(images, image, tag)
    if (tag !== live) changes.push({ image: image.image, from: live, to: tag })
  }
  if (changes.length === 0) return
  await api.patch(`${applicationsIn(namespace)}/${name}`, { spec: { source: { kustomize: { images } } } })
  for (const { image, to } of changes) say('info', `Setting new image to ${image}:${to}`, fields)
  if (events) await announce(application, changes, surroundings)
}

/** The tag that an image should have; undefined when none is suitable or the registry does not answer. */
async function newestTag(
  settings: ImageSettings,
  application: string,
  { registry, ownPlatform, say }: Surroundings,
): Promise<string | undefined> {
  const fields = { application, image_name: settings.image, alias: settings.alias }
  if (settings.strategy !== 'newest-build') {
    say('error', `update strategy ${settings.strategy} is not supported here`, fields)
    return undefined
  }
  try {
    const names = candidates(await registry.tags(settings.image), settings)
    const tags = await Promise.all(names.map(tag => registry.tag(settings.image, tag)))
    const platforms = settings.platforms.length > 0 ? settings.platforms : [ownPlatform]
    const newest = newestBuild(tags, platforms, (level, message) => say(level, message, fields))
    if (!newest) say('debug', 'No suitable image tag for upgrade found in list of available tags.', fields)
    return newest
  } catch (error) {
    say('error', `Could not get tags from registry: ${(error as Error).message}`, fields)
    return undefined
  }
}

/** Emits the event `ImagesUpdated`; its annotations list the changes. */
async function announce(
  { metadata }: Application,
  changes: readonly Change[],
  { api, namespace }: Surroundings,
): Promise<void> {
  const now = new Date()
  const at = now.toISOString().replace(/\.\d+Z$/, 'Z')
  const annotations = changes.flatMap(({ image, from, to }, index) => {
    const key = `argocd-image-updater.image-${index}`
    return [
      [`${key}/full-image-name`, image],
      [`${key}/image-name`, image.slice(image.indexOf('/') + 1)],
      [`${key}/old-tag`, from],
      [`${key}/new-tag`, to],
    ]
  })
  await api.create(`/api/v1/namespaces/${namespace}/events`, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${metadata.name}.${(BigInt(now.getTime()) * 1_000_000n).toString(16)}`,
      namespace,
      annotations: Object.fromEntries(annotations),
    },
    source: { component: 'ArgocdImageUpdater' },
    involvedObject: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      ...{ name: metadata.name, namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    },
    ...{ type: 'Normal', reason: 'ImagesUpdated', message: `Successfully updated application '${metadata.name}'` },
    ...{ firstTimestamp: at, lastTimestamp: at, count: 1 },
  })
}
