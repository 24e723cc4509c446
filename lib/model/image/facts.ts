import { broken, type Finding } from '../health/finding.ts'

/** An image as a registry has it. */
export interface ImageFacts {
  /** What the tag points to: an index's or a manifest's. */
  digest: string
  /** For each platform its own manifest; attestations, which are for `unknown/unknown`, left out. */
  builds: { platform: string; digest: string }[]
}

/** Whether there is a build for the platform, in whatever variant. */
export const runsOn = ({ builds }: ImageFacts, wanted: string): boolean =>
  builds.some(({ platform }) => platform === wanted || platform.startsWith(`${wanted}/`))

/** Every digest by which a container runtime may name the image. */
export const digestsOf = ({ digest, builds }: ImageFacts): string[] => [digest, ...builds.map(build => build.digest)]

/** An image that the node cannot run: nobody says so until a pod is to start with it. @param reference `…/ml-service:<tag>` */
export function platformFinding(reference: string, facts: ImageFacts, platform: string): Finding | undefined {
  if (runsOn(facts, platform)) return undefined
  const platforms = facts.builds.map(build => build.platform)
  const message = `is for ${platforms.join(', ') || 'no platform at all'}, the node is ${platform}: the Image Updater passes over it without a word, and a pod with it ends in ImagePullBackOff`
  return broken('image/platform', reference, message, {
    evidence: { digest: facts.digest, platforms, node: platform },
    remedy: `build it with \`platforms: ${platform}\` in the workflow (\`./taskw image:check\`), then bump again`,
  })
}
