import type { Application } from '../health/objects.ts'
import { parseReference } from './reference.ts'

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

/**
 * The images that an Application's annotations name, each with its filters.
 * @see https://argocd-image-updater.readthedocs.io/en/stable/configuration/images/
 */
export function updaterImages({ metadata: { annotations = {} } }: Application): UpdaterImage[] {
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
