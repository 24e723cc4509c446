import type { DrillReport } from '../model/drill/report.ts'
import { formatAge } from '../model/health/age.ts'
import { formatDuration } from '../runtime/duration.ts'
import { rpoText, rtoText } from './drill-text.ts'
import { shortened, shortSha } from './short.ts'

/** A drill as GitHub-flavoured Markdown, for an issue, a wiki or a job summary. */
export function drillMarkdown(report: DrillReport): string {
  const { scenario, timeline, proof, markers, health, attempts } = report
  return [
    `# Drill ${scenario.name} of ${report.environment}: ${report.verdict}`,
    '',
    `${scenario.title}. Run \`${report.id}\` by ${report.operator}, ${utc(report.startedAt)}${report.endedAt ? ` to ${utc(report.endedAt)}` : ''}, git ${shortSha(report.gitSha)}.`,
    '',
    `- **RTO** ${rtoText(report)}`,
    `- **RPO** ${rpoText(report)}`,
    ...(report.snapshot
      ? [`- the newest snapshot was ${formatAge(report.snapshot.ageMs)} old: \`${report.snapshot.name}\``]
      : []),
    ...report.reasons.map(reason => `- **${report.verdict}** because: ${cell(reason)}`),
    ...report.leftovers.map(leftover => `- left behind: ${leftover}`),
    '',
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
              code(before),
              ...later.map(code),
              same ? 'yes' : '**no**',
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
              ready ? 'yes' : '**no**',
              restarts,
              utc(createdAt),
            ]),
          ),
        ]
      : []),
  ].join('\n')
}

function section(title: string, heading: string[], rows: (string | number)[][]): string {
  if (rows.length === 0) return `## ${title}\n\nNone.\n`
  const lines = [heading, heading.map(() => '---'), ...rows.map(row => row.map(value => cell(String(value))))]
  return [`## ${title}`, '', ...lines.map(line => `| ${line.join(' | ')} |`), ''].join('\n')
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')

const code = (text: string): string => `\`${shortened(text)}\``

/** `2025-11-01 14:47:36`, UTC. */
export const utc = (iso: string): string => iso.slice(0, 19).replace('T', ' ')
