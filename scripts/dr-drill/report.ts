#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { environmentOption } from '../../lib/command-line/options.ts'
import { valued } from '../../lib/command-line/values.ts'
import type { DrillReport } from '../../lib/model/drill/report.ts'

import { formatDuration } from '../../lib/runtime/duration.ts'
import { usage } from '../../lib/runtime/errors.ts'
import type { Journal } from '../../lib/runtime/journal.ts'
import type { Json } from '../../lib/runtime/json.ts'
import { script } from '../../lib/runtime/script.ts'
import { table } from '../../lib/runtime/table.ts'

interface ReportOptions {
  env: string
  run?: string
  last: number
}

export default script<ReportOptions>({
  name: 'dr-drill:report',
  summary: "List the environment's last drills, or show one in full and write its report anew from its journal.",

  define: command =>
    command
      .addOption(environmentOption())
      .addOption(valued('drill', new Option('--run <id>', 'show this one in full; the list has the ids')))
      .option('--last <number>', 'how many to list', Number, 10),

  async run({ options, log }) {
    const { reportOf } = await import('../../lib/model/drill/report.ts')
    const { scenarioOf } = await import('../../lib/phases/drill/scenarios.ts')
    const { damage, readDrills } = await import('../../lib/phases/drill/journals.ts')

    const { env, run, last } = options
    if (!Number.isInteger(last) || last < 1) throw usage('--last needs a whole number, 1 or more', 'e.g. --last 5')
    const journals = await readDrills(env)
    if (run !== undefined) return one(journals, run)
    const whole = journals.filter(journal => {
      const damaged = damage(journal)
      if (damaged) log.warn(damaged.message)
      return !damaged
    })
    const reports = whole.flatMap(journal => reportOf(journal, scenarioOf(journal)) ?? []).slice(0, last)
    return {
      document: { env, drills: reports as unknown as Json },
      text: reports.length === 0 ? `No drills in ${env}.` : list(reports),
    }
  },
})

async function one(journals: Journal[], id: string) {
  const { reportOf } = await import('../../lib/model/drill/report.ts')
  const { damage } = await import('../../lib/phases/drill/journals.ts')
  const { writePages } = await import('../../lib/phases/drill/run.ts')
  const { scenarioOf } = await import('../../lib/phases/drill/scenarios.ts')
  const { drillText } = await import('../../lib/report/drill-text.ts')
  const { stdoutChalk } = await import('../../lib/report/findings.ts')

  const journal = journals.find(candidate => candidate.id === id)
  const damaged = journal && damage(journal)
  if (damaged) throw damaged
  const report = journal && reportOf(journal, scenarioOf(journal))
  if (!journal || !report) throw usage(`there is no drill ${id}`, '`./taskw dr-drill:report` lists them')
  const page = await writePages(journal)
  return { document: { drill: report as unknown as Json, page }, text: `${drillText(report, stdoutChalk())}\n${page}` }
}

const list = (reports: DrillReport[]): string =>
  table(
    ['RUN', 'SCENARIO', 'VERDICT', 'RTO', 'RPO', 'BECAUSE'],
    reports.map(({ id, scenario, verdict, rto, rpo, reasons }) => [
      id,
      scenario.name,
      verdict,
      rto ? formatDuration(rto.ms) : '–',
      rpo && rpo.ms !== null ? `≤ ${formatDuration(rpo.ms)}` : '–',
      verdict === 'pass' ? '' : (reasons[0] ?? ''),
    ]),
  )
