#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import { exitCodes } from '../lib/runtime/errors.ts'
import type { Json } from '../lib/runtime/json.ts'

export default environmentScript({
  name: 'doctor',
  summary:
    "Check the operator's machine, ask every service that the environment needs, and compare k0s with what is configured. Exit code 4 when something is missing.",

  async run(context) {
    const { verdictOf } = await import('../lib/model/health/finding.ts')
    const { k0sFindings } = await import('../lib/phases/k0s/findings.ts')
    const { checked, operatorChecks } = await import('../lib/phases/operator/checks.ts')
    const { listsCompared } = await import('../lib/phases/operator/delivered.ts')
    const { asked, serviceChecks } = await import('../lib/phases/operator/services.ts')
    const { findingsText, stdoutChalk } = await import('../lib/report/findings.ts')

    const found = await Promise.all([
      ...operatorChecks.map(check => checked(check, context)),
      ...serviceChecks(context).map(check => asked(check, context)),
      k0sFindings(context),
      listsCompared(context),
    ])
    const findings = found.flat()
    const verdict = verdictOf(findings)
    return {
      exitCode: verdict === 'healthy' ? exitCodes.ok : exitCodes.precondition,
      document: { verdict, findings: findings as unknown as Json },
      text: findingsText(findings, verdict, stdoutChalk()),
    }
  },
})
