const PREFIX = 'argocd-image-updater.argoproj.io'

/** What an Application's annotations say about one image. */
export interface ImageSettings {
  alias: string
  /** With its registry, without tag or constraint. */
  image: string
  strategy: string
  /** Whether a tag may be considered; an invalid filter allows no tag, so that nothing is updated by accident. */
  allows(tag: string): boolean
  /** Shell patterns. */
  ignoredTags: string[]
  /** `os/architecture[/variant]`; empty when not set. */
  platforms: string[]
  /** The image's name in the kustomization, where it differs. */
  kustomizeName: string | undefined
}

export interface Settings {
  images: ImageSettings[]
  writeBack: string
}

/**
 * Undefined without a list of images: the updater ignores such an Application.
 * https://argocd-image-updater.readthedocs.io/en/stable/configuration/images/
 */
export function settingsOf(annotations: Readonly<Record<string, string>> = {}): Settings | undefined {
  const list = annotations[`${PREFIX}/image-list`]
  if (list === undefined) return undefined
  return {
    images: listed(list).map(item => imageSettings(item, annotations)),
    writeBack: annotations[`${PREFIX}/write-back-method`] ?? 'argocd',
  }
}

function imageSettings(item: string, annotations: Readonly<Record<string, string>>): ImageSettings {
  // A constraint on the version may follow the name; newest-build pays no attention to it.
  const [, alias = '', image = ''] = /^(?:([^=/:]+)=)?(.+?)(?::[^/]*)?$/.exec(item) ?? []
  // An image's own setting overrides the Application's.
  const option = (name: string) =>
    annotations[`${PREFIX}/${alias.replaceAll('/', '_')}.${name}`] ?? annotations[`${PREFIX}/${name}`]
  return {
    alias,
    image,
    strategy: option('update-strategy') ?? 'semver',
    allows: tagFilter(option('allow-tags')),
    ignoredTags: listed(option('ignore-tags')),
    platforms: listed(option('platforms')),
    kustomizeName: option('kustomize.image-name'),
  }
}

const listed = (text = ''): string[] =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(Boolean)

function tagFilter(filter: string | undefined): (tag: string) => boolean {
  if (!filter || filter.toLowerCase() === 'any') return () => true
  const source = /^regexp:(.*)$/is.exec(filter)?.[1]
  if (source === undefined) return () => false
  try {
    const pattern = new RegExp(source)
    return tag => pattern.test(tag)
  } catch {
    return () => false
  }
}

/** Go's filepath.Match: `*`, `?` and `[…]`, none of which match a slash. */
export function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^$(){}|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return new RegExp(`^${source}$`).test(text)
}
