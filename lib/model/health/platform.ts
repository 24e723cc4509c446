import { type ImageFacts, runsOn } from '../image/facts.ts'
import type { Finding } from './finding.ts'
import { wrongPlatform } from './image.ts'

/** When a program is built for another architecture, the kernel's message may be in its log only: all that shows is a crash. */
const RULES = ['pod/architecture', 'pod/crash-loop', 'pod/crashed']

/** What a container's findings say about its image. */
interface Evidence {
  image?: string
  /** The node's architecture: `amd64`. */
  node?: string
}

const evidenceOf = ({ rule, evidence }: Finding): Evidence => (RULES.includes(rule) ? ((evidence ?? {}) as Evidence) : {})

/** Images that do not run, where the registry may know why. */
export const imagesInDoubt = (findings: readonly Finding[]): string[] => [
  ...new Set(findings.flatMap(finding => evidenceOf(finding).image ?? [])),
]

/** The findings, with each image's platforms compared with the node's. @param known by the image's name in the manifest */
export const withPlatforms = (findings: readonly Finding[], known: ReadonlyMap<string, ImageFacts>): Finding[] =>
  findings.map(finding => {
    const { image = '', node } = evidenceOf(finding)
    const facts = known.get(image)
    if (!facts || node === undefined || facts.builds.length === 0 || runsOn(facts, `linux/${node}`)) return finding
    const platforms = facts.builds.map(({ platform }) => platform)
    return wrongPlatform(finding.object, { ...(finding.evidence as Evidence), image, node, platforms })
  })
