import type { ChalkInstance } from 'chalk'
import type { Verdict } from '../model/drill/check.ts'
import type { DrillReport } from '../model/drill/report.ts'
import { formatAge } from '../model/health/age.ts'
import { formatDuration } from '../runtime/duration.ts'

const marks: Record<Verdict, string> = { pass: '✔', fail: '✘', inconclusive: '?' }

/** A drill for the terminal: what was shown, RTO and RPO. */
export function drillText(report: DrillReport, chalk: ChalkInstance): string {
  const colours: Record<DrillReport['verdict'], ChalkInstance> = {
    pass: chalk.green,
    fail: chalk.red,
    inconclusive: chalk.yellow,
    unfinished: chalk.yellow,
  }
  const { verdict, scenario, environment, checks, snapshot } = report
  return [
    `${colours[verdict](verdict)}  ${scenario.name} of ${environment}, ${report.id}`,
    ...checks.map(({ outcome, title, says }) => `  ${colours[outcome](marks[outcome])} ${title} ${chalk.dim(says)}`),
    `RTO     ${rtoText(report)}`,
    `RPO     ${rpoText(report)}`,
    ...(snapshot ? [`        the newest snapshot was ${formatAge(snapshot.ageMs)} old: ${snapshot.name}`] : []),
    ...report.leftovers.map(leftover => `left    ${leftover}`),
  ].join('\n')
}

/** Why there is no recovery time. */
export const noRto = ({ health }: Pick<DrillReport, 'health'>): string =>
  health && health.verdict !== 'healthy' ? 'none: the system did not become healthy again' : 'not measured'

export function rtoText(report: Pick<DrillReport, 'rto' | 'health'>): string {
  const { rto } = report
  if (!rto) return noRto(report)
  const parts = `detect ${formatDuration(rto.detect)} (destruction included: ${formatDuration(rto.destruction)}), decide ${formatDuration(rto.decide)}, restore ${formatDuration(rto.restore)}, verify ${formatDuration(rto.verify)}`
  return `${formatDuration(rto.ms)} = ${parts}${rto.paused > 0 ? `; no run was at work for ${formatDuration(rto.paused)} of it` : ''}`
}

export function rpoText({ rpo }: Pick<DrillReport, 'rpo'>): string {
  if (!rpo) return 'unknown: the markers were not judged'
  return rpo.ms === null ? rpo.says : `at most ${formatDuration(rpo.ms)}: ${rpo.says}`
}
