import { Chalk, type ChalkInstance } from 'chalk'
import { type Finding, type Severity, sorted, type Verdict } from '../model/health/finding.ts'

/** Colours for stdout; none when it is not a terminal, or NO_COLOR is set. */
export const stdoutChalk = (): ChalkInstance =>
  process.env.NO_COLOR || !process.stdout.isTTY ? new Chalk({ level: 0 }) : new Chalk()

export const plain: ChalkInstance = new Chalk({ level: 0 })

const marks: Record<Severity, string> = { error: '✘', warning: '!', info: '·' }

/** Findings for people: grouped by object, worst first, each with its remedy. The verdict comes last. */
export function findingsText(findings: readonly Finding[], verdict: Verdict, chalk: ChalkInstance): string {
  const groups = Object.entries(Object.groupBy(sorted(findings), ({ object }) => object))
  const blocks = groups.map(([object, found = []]) => {
    const lines = found.flatMap(({ rule, severity, message, remedy, heals }) => [
      `  ${coloured(severity, chalk)} ${message.replaceAll('\n', '\n    ')}${heals ? chalk.dim(' (may heal by itself)') : ''}${chalk.dim(`  ${rule}`)}`,
      ...(remedy === undefined ? [] : [`    ${chalk.cyan('→')} ${remedy}`]),
    ])
    return [chalk.bold(object), ...lines].join('\n')
  })
  return [...blocks, verdictLine(findings, verdict, chalk)].join('\n\n')
}

function coloured(severity: Severity, chalk: ChalkInstance): string {
  const colours = { error: chalk.red, warning: chalk.yellow, info: chalk.dim }
  return colours[severity](marks[severity])
}

function verdictLine(findings: readonly Finding[], verdict: Verdict, chalk: ChalkInstance): string {
  const colours = { healthy: chalk.green, progressing: chalk.yellow, unhealthy: chalk.red }
  const counts = countsText(findings)
  return `${colours[verdict](verdict)}${counts ? `: ${counts}` : ''}`
}

/** `2 errors, 1 warning`; empty without findings. */
export function countsText(findings: readonly Finding[]): string {
  const counted = (['error', 'warning', 'info'] as const).map(severity => {
    const count = findings.filter(finding => finding.severity === severity).length
    return count === 0 ? '' : `${count} ${severity}${count === 1 || severity === 'info' ? '' : 's'}`
  })
  return counted.filter(Boolean).join(', ')
}
