import { broken, type Finding } from '../health/finding.ts'

/** An image as a registry has it. */
export interface ImageFacts {
  /** Of the index or manifest that the tag points to. */
  digest: string
  /** One manifest for each platform; attestations, which have the platform `unknown/unknown`, are left out. */
  builds: { platform: string; digest: string }[]
}

/** Whether there is a build for the platform, in any variant. */
export const runsOn = ({ builds }: ImageFacts, wanted: string): boolean =>
  builds.some(({ platform }) => platform === wanted || platform.startsWith(`${wanted}/`))

/** Every digest by which a container runtime may name the image. */
export const digestsOf = ({ digest, builds }: ImageFacts): string[] => [digest, ...builds.map(build => build.digest)]

/** An image that the node cannot run. Nothing else reports it until a pod tries to start with it. @param reference `…/ml-service:<tag>` */
export function platformFinding(reference: string, facts: ImageFacts, platform: string): Finding | undefined {
  if (runsOn(facts, platform)) return undefined
  const platforms = facts.builds.map(build => build.platform)
  const message = `is for ${platforms.join(', ') || 'no platform at all'}, the node is ${platform}: the Image Updater silently skips it, and a pod that uses it ends in ImagePullBackOff`
  return broken('image/platform', reference, message, {
    evidence: { digest: facts.digest, platforms, node: platform },
    remedy: `build it with \`platforms: ${platform}\` in the workflow (\`./taskw image:check\`), then bump again`,
  })
}
