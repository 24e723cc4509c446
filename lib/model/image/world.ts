import type { Inventory } from '../health/inventory.ts'
import { type Application, type ApplicationSource, controllerOf, type KubernetesObject, type Pod } from '../health/objects.ts'
import { namespacedName } from '../namespaced-name.ts'
import { digestsOf, type ImageFacts } from './facts.ts'
import { parseReference } from './reference.ts'
import { earliest } from './sighting.ts'

/** The image that is being rolled out. */
export interface Subject {
  service: string
  /** On GitHub, owner/name. */
  repository: string
  /** Path of the workflow file. */
  workflow: string
  sha: string
  /** ISO 8601. */
  pushedAt: string
  /** With its registry, without tag. */
  image: string
  namespace: string
  /** `namespace/name` of the Argo CD Application. */
  application: string
  /** The node's: `linux/amd64`. */
  platform: string
}

/** A workflow run, by GitHub's names. */
export interface Run {
  id: number
  path: string
  status: string
  conclusion: string | null
  created_at: string
  updated_at: string
  html_url: string
}
export interface Job {
  name: string
  status: string
  conclusion: string | null
  started_at: string | null
  completed_at: string | null
  steps?: { name: string; status: string; conclusion: string | null }[]
}

/** An event of the Image Updater: its annotations say which image got which tag. */
export interface KubernetesEvent extends KubernetesObject {
  reason?: string
  firstTimestamp?: string
  involvedObject?: { name?: string }
}

/** How the Image Updater treats an image, where it is said for one image, for an Application, or for all. */
export interface UpdateSettings {
  allowTags?: string
  ignoreTags?: string[]
  platforms?: string[]
}

/** What configures the Image Updater since version 1.0: by itself, or by the annotations of the Applications that it selects. */
export interface ImageUpdater extends KubernetesObject {
  spec?: {
    commonUpdateSettings?: UpdateSettings
    applicationRefs?: {
      namePattern?: string
      useAnnotations?: boolean
      commonUpdateSettings?: UpdateSettings
      images?: { alias?: string; imageName: string; platforms?: string[]; commonUpdateSettings?: UpdateSettings }[]
    }[]
  }
}

/** What is known of the world at the moment. Each part is surveyed on its own. */
export interface World {
  subject: Subject
  ci?: { run: Run | undefined; jobs: Job[] }
  registry?: { image: ImageFacts | undefined }
  cluster?: {
    inventory: Inventory
    events: KubernetesEvent[]
    /** Missing where the cluster does not know the kind: then the Image Updater is one before version 1.0. */
    imageUpdaters?: ImageUpdater[]
  }
}
export type Source = Exclude<keyof World, 'subject'>

/** The Application that the image belongs to. */
export const applicationOf = ({ cluster, subject }: World): Application | undefined =>
  cluster?.inventory.applications.find(application => namespacedName(application) === subject.application)

/** An Application's specification, or one of its syncs: with one source or several. */
interface Sourced {
  source?: ApplicationSource
  sources?: ApplicationSource[]
}

/** The tag that the Image Updater has written for the image. */
export const chosenTag = (of: Sourced | undefined, { image }: Subject): string | undefined =>
  [of?.source, ...(of?.sources ?? [])]
    .flatMap(source => source?.kustomize?.images ?? [])
    .map(entry => parseReference(entry.slice(entry.indexOf('=') + 1)))
    .find(({ repository }) => repository === image)?.tag

/** The first sync with the tag, by default the commit's; later ones may have other causes. */
export const syncOf = (world: World, tag = world.subject.sha) =>
  applicationOf(world)?.status?.history?.find(sync => chosenTag(sync, world.subject) === tag)

export function updateEvent({ cluster, subject }: World): KubernetesEvent | undefined {
  const mine = ({ metadata: { annotations = {} } }: KubernetesEvent) =>
    Object.entries(annotations).some(([key, name]) => {
      const prefix = /^(argocd-image-updater\.image-\d+)\/full-image-name$/.exec(key)?.[1]
      return prefix !== undefined && name === subject.image && annotations[`${prefix}/new-tag`] === subject.sha
    })
  const events = cluster?.events.filter(event => event.reason === 'ImagesUpdated' && mine(event)) ?? []
  // During a rollout the updater may repeat the event.
  const first = earliest(events.map(({ firstTimestamp }) => firstTimestamp))
  return events.find(({ firstTimestamp }) => firstTimestamp === first)
}

/** The pods that run any build of the image, without those that have ended. */
export function podsOf({ cluster, subject }: World): Pod[] {
  return (cluster?.inventory.pods ?? []).filter(
    ({ metadata, spec, status }) =>
      metadata.namespace === subject.namespace &&
      !['Succeeded', 'Failed'].includes(status?.phase ?? '') &&
      spec?.containers?.some(container => parseReference(container.image).repository === subject.image),
  )
}

export const isNew = ({ spec }: Pod, { image, sha }: Subject): boolean =>
  spec?.containers?.some(container => container.image === `${image}:${sha}`) === true

export const oldPods = (world: World): Pod[] => podsOf(world).filter(pod => !isNew(pod, world.subject))

/** How many replicas the new pods' Deployment wants; at least one. */
export function wantedPods(pods: readonly Pod[], { cluster }: World): number {
  const { replicaSets = [], deployments = [] } = cluster?.inventory ?? {}
  const owners = new Set(pods.map(pod => controllerOf(pod)?.uid))
  const sets = new Set(replicaSets.filter(({ metadata }) => owners.has(metadata.uid)).map(set => controllerOf(set)?.uid))
  const owner = deployments.find(({ metadata }) => sets.has(metadata.uid))
  return Math.max(1, owner?.spec?.replicas ?? 1)
}

/** Whether the pod's container runtime reports the registry's digest. */
export function hasDigest(pod: Pod, { registry, subject }: World): boolean {
  const container = pod.spec?.containers?.find(({ image }) => image === `${subject.image}:${subject.sha}`)
  const imageID = pod.status?.containerStatuses?.find(({ name }) => name === container?.name)?.imageID ?? ''
  // Without an answer from the registry there is nothing to compare with.
  return !registry?.image || digestsOf(registry.image).some(digest => imageID.endsWith(digest))
}
