import type { Json } from '../../runtime/json.ts'
import { byText } from '../compare.ts'

export type Severity = 'error' | 'warning' | 'info'

/** Something that is wrong, or worth knowing: what doctor, verify and image:check report. */
export interface Finding {
  /** `noun/what-is-wrong`, e.g. `pod/architecture`. Stable: scripts and dashboards may rely on it. */
  rule: string
  severity: Severity
  /** `namespace/Kind/name`, or `Kind/name` of a cluster-scoped object. */
  object: string
  message: string
  evidence: Json
  /** What to do about it, as a command where there is one. */
  remedy?: string
  /** It may go away by itself, so waiting makes sense. */
  heals: boolean
}

export type Verdict = 'healthy' | 'unhealthy' | 'progressing'

interface Details {
  evidence?: Json
  remedy?: string
}

const found =
  (severity: Severity, heals: boolean) =>
  (rule: string, object: string, message: string, { evidence = null, remedy }: Details = {}): Finding => ({
    rule,
    severity,
    object,
    message,
    evidence,
    ...(remedy !== undefined && { remedy }),
    heals,
  })

/** Somebody has to act. */
export const broken = found('error', false)
/** On its way; gitops-engine's Progressing. */
export const underway = found('warning', true)
/** It works, but deserves attention. */
export const doubtful = found('warning', false)
/** Worth knowing, no more. */
export const noted = found('info', false)

/** Worst wins: an error that does not heal, then whatever heals; other warnings leave the system healthy. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ severity, heals }) => severity === 'error' && !heals)) return 'unhealthy'
  return findings.some(({ heals }) => heals) ? 'progressing' : 'healthy'
}

/** What keeps the verdict from healthy. */
export const blocking = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ severity, heals }) => severity === 'error' || heals)

/** The findings of a wait that timed out: what was still on its way is now an error. */
export const overdue = (findings: readonly Finding[]): Finding[] =>
  sorted(findings.map(finding => (finding.heals ? { ...finding, severity: 'error' } : finding)))

const ranks: Record<Severity, number> = { error: 0, warning: 1, info: 2 }

/** Worst first, what does not heal before what does, then by object and rule. A copy. */
export const sorted = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted(
    (a, b) =>
      ranks[a.severity] - ranks[b.severity] ||
      Number(a.heals) - Number(b.heals) ||
      byText(a.object, b.object) ||
      byText(a.rule, b.rule),
  )
