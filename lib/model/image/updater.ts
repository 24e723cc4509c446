import type { Application } from '../health/objects.ts'
import { parseReference } from './reference.ts'
import type { ImageUpdater, UpdateSettings } from './world.ts'

const PREFIX = 'argocd-image-updater.argoproj.io'

/** What an Application asks of the Image Updater for one image. */
export interface UpdaterImage {
  /** Empty without one. */
  alias: string
  /** With its registry, without tag. */
  image: string
  allows(tag: string): boolean
  ignores(tag: string): boolean
  /** `os/architecture`; empty means the updater's own. */
  platforms: string[]
}

/** The API group of what configures it since version 1.0. */
export const GROUP = PREFIX

/** An entry of an ImageUpdater that selects the Application. */
type Selection = { updater: ImageUpdater; reference: NonNullable<NonNullable<ImageUpdater['spec']>['applicationRefs']>[number] }

/** The entries that select an Application. */
export const selections = ({ metadata }: Application, updaters: readonly ImageUpdater[]): Selection[] =>
  updaters
    .filter(updater => updater.metadata.namespace === metadata.namespace)
    .flatMap(updater =>
      (updater.spec?.applicationRefs ?? [])
        .filter(({ namePattern = '' }) => wildcard(namePattern).test(metadata.name))
        .map(reference => ({ updater, reference })),
    )

/**
 * The images that the Image Updater is asked to update in an Application, each with its filters: those that ImageUpdaters list
 * themselves, and those of the Application's annotations where one goes by these, or none selects it.
 * @param updaters none for an Image Updater before version 1.0, which knows annotations alone
 */
export function updaterImages(application: Application, updaters: readonly ImageUpdater[] = []): UpdaterImage[] {
  const selected = selections(application, updaters)
  const byAnnotations = selected.length === 0 || selected.some(({ reference }) => reference.useAnnotations)
  return [...selected.flatMap(resourceImages), ...(byAnnotations ? annotatedImages(application) : [])]
}

/** What is said closest to the image counts. @see https://argocd-image-updater.readthedocs.io/en/latest/configuration/images/ */
function resourceImages({ updater, reference }: Selection): UpdaterImage[] {
  if (reference.useAnnotations) return []
  return (reference.images ?? []).map(({ alias = '', imageName, platforms, commonUpdateSettings }) => {
    const said = [commonUpdateSettings, reference.commonUpdateSettings, updater.spec?.commonUpdateSettings]
    const option = <K extends keyof UpdateSettings>(name: K) => said.find(settings => settings?.[name] !== undefined)?.[name]
    const ignored = (option('ignoreTags') ?? []).map(wildcard)
    return {
      alias,
      image: parseReference(imageName).repository,
      allows: allowed(option('allowTags')),
      ignores: tag => ignored.some(pattern => pattern.test(tag)),
      platforms: platforms ?? option('platforms') ?? [],
    }
  })
}

/** @see https://argocd-image-updater.readthedocs.io/en/stable/configuration/images/ */
function annotatedImages({ metadata: { annotations = {} } }: Application): UpdaterImage[] {
  return listed(annotations[`${PREFIX}/image-list`]).map(item => {
    const [, alias = '', listing = item] = /^([^/:=]+)=(.*)$/.exec(item) ?? []
    const option = (name: string) => annotations[`${PREFIX}/${alias}.${name}`] ?? annotations[`${PREFIX}/${name}`]
    const ignored = listed(option('ignore-tags')).map(wildcard)
    return {
      alias,
      // A constraint on the version may follow, as a tag would.
      image: parseReference(listing).repository,
      allows: allowed(option('allow-tags')),
      ignores: tag => ignored.some(pattern => pattern.test(tag)),
      platforms: listed(option('platforms')),
    }
  })
}

const listed = (text = ''): string[] => text.split(',').flatMap(item => item.trim() || [])

/** A shell pattern, of tags or of names. */
export const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^$(){}|\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  )

/** Without a filter every tag passes; with an invalid one none does: the updater would rather not update than do so by accident. */
function allowed(filter = 'any'): (tag: string) => boolean {
  if (filter.toLowerCase() === 'any') return () => true
  try {
    const pattern = new RegExp(/^regexp:(.*)$/s.exec(filter)?.[1] ?? '(?!)')
    return tag => pattern.test(tag)
  } catch {
    return () => false
  }
}
