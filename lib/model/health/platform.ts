import { type ImageFacts, runsOn } from '../image/facts.ts'
import type { Finding } from './finding.ts'
import { wrongPlatform } from './image.ts'

/** Of a program of another architecture the kernel's words may stand in its log alone: it crashes, and nothing else is known. */
const RULES = ['pod/architecture', 'pod/crash-loop', 'pod/crashed']

/** What the findings of a pod's container say of its image. */
interface Evidence {
  image?: string
  /** The node's architecture: `amd64`. */
  node?: string
}

const evidenceOf = ({ rule, evidence }: Finding): Evidence => (RULES.includes(rule) ? ((evidence ?? {}) as Evidence) : {})

/** Images of which a registry may know why they do not run. */
export const imagesInDoubt = (findings: readonly Finding[]): string[] => [
  ...new Set(findings.flatMap(finding => evidenceOf(finding).image ?? [])),
]

/** The findings, with the node's platform held against those that the images have. @param known by the image's name in the manifest */
export const withPlatforms = (findings: readonly Finding[], known: ReadonlyMap<string, ImageFacts>): Finding[] =>
  findings.map(finding => {
    const { image = '', node } = evidenceOf(finding)
    const facts = known.get(image)
    if (!facts || node === undefined || facts.builds.length === 0 || runsOn(facts, `linux/${node}`)) return finding
    const platforms = facts.builds.map(({ platform }) => platform)
    return wrongPlatform(finding.object, { ...(finding.evidence as Evidence), image, node, platforms })
  })
