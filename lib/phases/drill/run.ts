import { join, relative } from 'node:path'
import type { Verdict } from '../../model/drill/check.ts'
import { reportOf } from '../../model/drill/report.ts'
import type { Context } from '../../operation/context.ts'
import { drillHtml } from '../../report/drill-html.ts'
import { drillMarkdown } from '../../report/drill-markdown.ts'
import { drillText } from '../../report/drill-text.ts'
import { stdoutChalk } from '../../report/findings.ts'
import { asOpsError, type ExitCode, exitCodes } from '../../runtime/errors.ts'
import { root, writeAtomically } from '../../runtime/files.ts'
import { type Journal, type JournalWriter, runDirectory } from '../../runtime/journal.ts'
import { type Phase, runPhases } from '../../runtime/phases.ts'
import { DetailedError, type Outcome } from '../../runtime/script.ts'
import { scenarioOf } from './scenarios.ts'
import type { Drill } from './step.ts'

const exits: Record<Verdict, ExitCode> = { pass: exitCodes.ok, fail: exitCodes.unhealthy, inconclusive: exitCodes.partial }

/**
 * Runs a drill's phases to a verdict, and writes its report in any case.
 * @throws DetailedError where a phase fails or is interrupted: the drill stays unfinished, to be resumed or aborted
 */
export async function runDrill(phases: Phase<Context>[], drill: Drill, context: Context): Promise<Outcome> {
  const { journal, facts } = drill
  try {
    await runPhases(phases, context, context.journal as JournalWriter)
    const { verdict } = await drill.conclude()
    await drill.end(exits[verdict])
    return {
      exitCode: exits[verdict],
      document: documentOf(journal),
      text: `${textOf(journal)}\n${pageLine(await writePages(journal))}`,
    }
  } catch (thrown) {
    const error = asOpsError(thrown)
    // Nothing was destroyed: there is nothing to resume.
    if (facts.steadyState && facts.steadyState.verdict !== 'healthy') await drill.conclude()
    await drill.end(error.code)
    context.log.info(pageLine(await writePages(journal)))
    throw new DetailedError(error, documentOf(journal))
  }
}

/** Writes a drill's report, derived from its journal. @returns the path of the HTML page */
export async function writePages(journal: Journal): Promise<string> {
  const report = reportOf(journal, scenarioOf(journal))
  const directory = runDirectory(journal.id)
  const html = join(directory, 'report.html')
  if (!report) return join(directory, 'journal.json')
  await writeAtomically(join(directory, 'report.md'), drillMarkdown(report))
  await writeAtomically(html, drillHtml(report))
  return html
}

/** A drill as a `--json` document. */
export function documentOf(journal: Journal): Outcome['document'] {
  const {
    verdict = 'unfinished',
    reasons = [],
    checks = [],
    rto = null,
    rpo = null,
  } = reportOf(journal, scenarioOf(journal)) ?? {}
  return { run: journal.id, verdict, reasons, checks, rto, rpo, phases: journal.phases } as unknown as Outcome['document']
}

const textOf = (journal: Journal): string => {
  const report = reportOf(journal, scenarioOf(journal))
  return report ? drillText(report, stdoutChalk()) : ''
}

const pageLine = (path: string): string => `report  ${relative(root, path)}`
