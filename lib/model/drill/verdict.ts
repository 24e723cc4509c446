import type { Conclusion } from './conclusion.ts'
import type { Evidence, Scenario } from './step.ts'
import { rpoOf, rtoOf } from './times.ts'

/** The worst outcome wins, and no checks prove nothing. An aborted drill is inconclusive, whatever it had seen by then. */
export function conclude(scenario: Scenario, evidence: Evidence): Conclusion {
  const { facts, records } = evidence
  const checks = scenario.steps.flatMap(step => step.judge?.(evidence, step) ?? [])
  const outcomes = checks.map(({ outcome }) => outcome)
  const judged = outcomes.includes('fail')
    ? 'fail'
    : outcomes.length === 0 || outcomes.includes('inconclusive')
      ? 'inconclusive'
      : 'pass'
  const aborted = facts.aborted ? [`aborted by ${facts.aborted.operator} at ${facts.aborted.at}`] : []
  return {
    verdict: facts.aborted ? 'inconclusive' : judged,
    reasons: [...aborted, ...checks.filter(({ outcome }) => outcome !== 'pass').map(({ title, says }) => `${title}: ${says}`)],
    checks,
    rto: rtoOf(scenario, facts, records) ?? null,
    rpo: rpoOf(scenario, facts) ?? null,
  }
}
