import { type ImageSettings, matchesPattern } from './annotations.ts'

/** A tag and what the registry says about its image. */
export interface Tag {
  name: string
  /**
   * Each of its platforms, `os/architecture[/variant]`, with the time of its build in ISO 8601, which is unknown where nobody
   * wants the platform.
   */
  builds: { platform: string; created?: string }[]
}

export type Level = 'debug' | 'info' | 'warn' | 'error'

interface Reference {
  name: string
  tag: string
}

function parseReference(reference: string): Reference {
  const [withTag = ''] = reference.split('@')
  const colon = withTag.indexOf(':', withTag.lastIndexOf('/') + 1)
  return colon < 0 ? { name: withTag, tag: '' } : { name: withTag.slice(0, colon), tag: withTag.slice(colon + 1) }
}

/**
 * The tag of an image that an Application runs, from the images in its status; the first of several, as during a rollout.
 * Undefined when it does not run the image.
 */
export const liveTag = (images: readonly string[] = [], name: string): string | undefined =>
  images.map(parseReference).find(reference => reference.name === name)?.tag

/** The tags whose images are worth looking at. */
export const candidates = (tags: readonly string[], { allows, ignoredTags }: ImageSettings): string[] =>
  tags.filter(tag => allows(tag) && !ignoredTags.some(pattern => matchesPattern(pattern, tag)))

/**
 * The tag with the newest build for the wanted platforms; of equally old ones, the lexically last. A tag without such a build
 * is skipped, with nothing but a debug line.
 */
export function newestBuild(
  tags: readonly Tag[],
  platforms: readonly string[],
  say: (level: Level, message: string) => void,
): string | undefined {
  let newest: { name: string; created: number } | undefined
  for (const { name, builds } of tags) {
    const fitting = builds.filter(({ platform }) => platforms.some(wanted => fits(platform, wanted)))
    if (fitting.length === 0) {
      const included = builds.map(({ platform }) => platform).join(',')
      say('debug', `ignoring ${name}. Manifest platform: ${included}, requested: ${platforms.join(',')}`)
      continue
    }
    const created = Math.max(...fitting.map(build => Date.parse(build.created ?? '')))
    if (!newest || created > newest.created || (created === newest.created && name > newest.name)) newest = { name, created }
  }
  return newest?.name
}

/** A wanted platform without a variant matches every variant. */
export const fits = (platform: string, wanted: string): boolean => platform === wanted || platform.startsWith(`${wanted}/`)

/** `spec.source.kustomize.images` with one image set to a tag and the others unchanged. */
export function withImage(
  images: readonly string[],
  { image, kustomizeName }: Pick<ImageSettings, 'image' | 'kustomizeName'>,
  tag: string,
): string[] {
  const named = (entry: string) => (entry.includes('=') ? entry.split('=')[0] : parseReference(entry).name)
  const others = images.filter(entry => named(entry) !== (kustomizeName ?? image))
  return [...others, `${kustomizeName ? `${kustomizeName}=` : ''}${image}:${tag}`]
}
