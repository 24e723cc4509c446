import type { DrillReport } from '../model/drill/report.ts'
import { formatAge } from '../model/health/age.ts'
import { formatDuration } from '../runtime/duration.ts'
import { rpoText, rtoText } from './drill-text.ts'
import { code, type Markdown, markdown, section } from './markdown.ts'
import { shortened, shortSha } from './short.ts'

const NO = markdown`**no**`

/** A drill as GitHub-flavoured Markdown, for an issue, a wiki or a job summary. */
export function drillMarkdown(report: DrillReport): string {
  const { scenario, timeline, proof, markers, health, attempts } = report
  const blank = { markdown: '' }
  const lines: Markdown[] = [
    markdown`# Drill ${scenario.name} of ${report.environment}: ${report.verdict}`,
    blank,
    markdown`${scenario.title}. Run ${code(report.id)} by ${report.operator}, ${utc(report.startedAt)}${report.endedAt ? ` to ${utc(report.endedAt)}` : ''}, git ${shortSha(report.gitSha)}.`,
    blank,
    markdown`- **RTO** ${rtoText(report)}`,
    markdown`- **RPO** ${rpoText(report)}`,
    ...(report.snapshot
      ? [markdown`- the newest snapshot was ${formatAge(report.snapshot.ageMs)} old: ${code(report.snapshot.name)}`]
      : []),
    ...report.reasons.map(reason => markdown`- **${report.verdict}** because: ${reason}`),
    ...report.leftovers.map(leftover => markdown`- left behind: ${leftover}`),
    blank,
    section(
      'What was shown',
      ['', 'check', 'outcome', 'seen'],
      report.checks.map(({ title, outcome, says }, index) => [index + 1, title, outcome, says]),
    ),
    section(
      'Time per step',
      ['step', 'counts as', 'began', 'took', 'ended'],
      timeline.bars.map(({ title, stage, from, ms, status }) => [
        title,
        stage,
        `+${formatDuration(from)}`,
        status === 'killed' ? '–' : formatDuration(ms),
        status,
      ]),
    ),
    ...(attempts.length > 1
      ? [
          section(
            'Runs',
            ['', 'began', 'ended', 'exit code'],
            attempts.map(({ startedAt, endedAt, exitCode }, index) => [
              index + 1,
              utc(startedAt),
              endedAt ? utc(endedAt) : 'killed',
              exitCode ?? '',
            ]),
          ),
        ]
      : []),
    ...(proof
      ? [
          section(
            `Proof of ${proof.layer}`,
            ['fact', 'before', ...proof.moments, 'same'],
            proof.rows.map(({ name, before, later, same }) => [
              name,
              code(shortened(before)),
              ...later.map(value => code(shortened(value))),
              same ? 'yes' : NO,
            ]),
          ),
        ]
      : []),
    section(
      'Markers',
      ['marker', 'written', 'expected', 'found'],
      markers.map(({ name, writtenAt, expected, because, check }) => [
        name,
        utc(writtenAt),
        `${expected}: ${because}`,
        check?.says ?? '',
      ]),
    ),
    ...(health
      ? [
          section(
            'Pods afterwards',
            ['namespace', 'pod', 'ready', 'restarts', 'since'],
            health.pods.map(({ namespace, name, ready, restarts, createdAt }) => [
              namespace,
              name,
              ready ? 'yes' : NO,
              restarts,
              utc(createdAt),
            ]),
          ),
        ]
      : []),
  ]
  return lines.map(line => line.markdown).join('\n')
}

/** `2025-11-01 14:47:36`, UTC. */
export const utc = (iso: string): string => iso.slice(0, 19).replace('T', ' ')
