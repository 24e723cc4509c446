import { messageOf } from '../../../lib/runtime/errors.ts'
import type { Api } from '../../machine/node-agent/api.ts'
import type { KubernetesObject } from '../../machine/node-agent/kubernetes.ts'
import { type ImageSettings, matchesPattern, settingsOf } from './annotations.ts'
import { candidates, type Level, liveTag, newestBuild, withImage } from './decide.ts'
import type { Registry } from './registry.ts'
import { afterPass, beforePass, type Change, FINALIZER, type Outcome, type Status, withoutRegistry } from './status.ts'

export interface ImageUpdater extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { generation?: number; finalizers?: string[] }
  spec: { applicationRefs: { namePattern: string; useAnnotations?: boolean }[] }
  status?: Status
}

interface Application extends KubernetesObject {
  spec: { source?: { kustomize?: { images?: string[] } } }
  status?: { sourceType?: string; summary?: { images?: string[] } }
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

/** Adds the finalizer to an ImageUpdater, or removes it from one that is being deleted: there is nothing to clean up. */
export async function finalize(api: Api, updater: ImageUpdater): Promise<void> {
  const { name, namespace = '', resourceVersion, deletionTimestamp, finalizers = [] } = updater.metadata
  if (finalizers.includes(FINALIZER) === (deletionTimestamp === undefined)) return
  const others = finalizers.filter(finalizer => finalizer !== FINALIZER)
  await api.patch(`${updatersIn(namespace)}/${name}`, {
    metadata: { resourceVersion, finalizers: deletionTimestamp === undefined ? [...others, FINALIZER] : others },
  })
}

/** A pass, with the ImageUpdater's status before and after it. A status that cannot be written is only said. */
export async function reconcile(updater: ImageUpdater, surroundings: Surroundings): Promise<void> {
  const { api, say } = surroundings
  const { name, namespace = '', generation } = updater.metadata
  const path = `${updatersIn(namespace)}/${name}`
  const write = async (change: (status: Status) => Status) => {
    try {
      const { status = {} } = await api.get<ImageUpdater>(path)
      await api.patch(`${path}/status`, { status: change(status) })
    } catch (error) {
      say('warn', `Failed to update status of ${namespace}/${name}, status may be stale: ${messageOf(error)}`, {})
    }
  }
  await write(status => beforePass(status, generation, new Date()))
  let outcome: Outcome = { matched: 0, considered: 0, errors: 0, changes: [] }
  let failure: string | undefined
  try {
    outcome = await updateApplications(updater, surroundings)
  } catch (error) {
    failure = messageOf(error)
    say('error', `Failed to process ImageUpdater CR: ${failure}`, {})
  }
  await write(status => afterPass(status, outcome, { generation, now: new Date(), failure }))
}

/** What an updater before 1.0 does, which has no ImageUpdaters: every Application's annotations count. */
export const EVERY_APPLICATION: Pick<ImageUpdater, 'spec'> = {
  spec: { applicationRefs: [{ namePattern: '*', useAnnotations: true }] },
}

/** One pass over the Applications that an ImageUpdater selects. */
export async function updateApplications({ spec }: Pick<ImageUpdater, 'spec'>, surroundings: Surroundings): Promise<Outcome> {
  const { api, namespace } = surroundings
  const { items } = await api.get<{ items: Application[] }>(applicationsIn(namespace))
  const outcome: Outcome = { matched: 0, considered: 0, errors: 0, changes: [] }
  for (const application of items) {
    const { name } = application.metadata
    const reference = spec.applicationRefs.find(({ namePattern }) => matchesPattern(namePattern, name))
    if (reference?.useAnnotations) await updateApplication(application, surroundings, outcome)
  }
  return outcome
}

/** Whether the cluster knows ImageUpdaters: what is installed is then an updater of version 1.0 or later. */
export const knowsUpdaters = async ({ api }: Pick<Surroundings, 'api'>): Promise<boolean> =>
  (await api.find('/apis/argocd-image-updater.argoproj.io')) !== undefined

const applicationsIn = (namespace: string): string => `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`
export const updatersIn = (namespace: string): string =>
  `/apis/argocd-image-updater.argoproj.io/v1alpha1/namespaces/${namespace}/imageupdaters`

async function updateApplication(application: Application, surroundings: Surroundings, outcome: Outcome): Promise<void> {
  const { api, namespace, say, events } = surroundings
  const { name, annotations } = application.metadata
  const fields = { application: name }
  const settings = settingsOf(annotations)
  if (!settings) return
  if (application.status?.sourceType !== 'Kustomize') return say('warn', 'skipping app of an unsupported source type', fields)
  outcome.matched++
  if (settings.writeBack !== 'argocd') {
    outcome.errors++
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
    outcome.considered++
    const found = await newestTag(image, name, surroundings)
    if (found.isError) outcome.errors++
    const tag = found.tag ?? live
    images = withImage(images, image, tag)
    if (tag !== live) changes.push({ alias: image.alias, image: image.image, from: live, to: tag })
  }
  if (changes.length === 0) return
  try {
    await api.patch(`${applicationsIn(namespace)}/${name}`, { spec: { source: { kustomize: { images } } } })
  } catch (error) {
    outcome.errors++
    return say('error', `Could not update application spec: ${messageOf(error)}`, fields)
  }
  outcome.changes.push(...changes)
  for (const { image, to } of changes) say('info', `Setting new image to ${image}:${to}`, fields)
  if (events) await announce(application, changes, surroundings)
}

/**
 * The tag that an image should have; without one when none is suitable or the registry does not answer. A tag that cannot be read
 * is passed over, and not an error of the image.
 */
async function newestTag(
  settings: ImageSettings,
  application: string,
  { registry, ownPlatform, say }: Surroundings,
): Promise<{ tag?: string | undefined; isError?: boolean }> {
  const fields = { application, image_name: settings.image, alias: settings.alias }
  if (settings.strategy !== 'newest-build') {
    say('error', `update strategy ${settings.strategy} is not supported here`, fields)
    return { isError: true }
  }
  const platforms = settings.platforms.length > 0 ? settings.platforms : [ownPlatform]
  let names: string[]
  try {
    names = candidates(await registry.tags(settings.image), settings)
  } catch (error) {
    say('error', `Could not get tags from registry: ${messageOf(error)}`, fields)
    return { isError: true }
  }
  const tags = await Promise.all(
    names.map(name => registry.tag(settings.image, name, platforms).catch(error => say('error', messageOf(error), fields))),
  )
  const readable = tags.filter(tag => tag !== undefined)
  const newest = newestBuild(readable, platforms, (level, message) => say(level, message, fields))
  if (!newest) say('debug', 'No suitable image tag for upgrade found in list of available tags.', fields)
  return { tag: newest }
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
      [`${key}/image-name`, withoutRegistry(image)],
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
