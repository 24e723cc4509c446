#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import { consentOptions, type VerbOptions } from '../lib/command-line/options.ts'
import type { Context } from '../lib/operation/context.ts'
import { durationOption } from '../lib/runtime/duration.ts'
import { usage } from '../lib/runtime/errors.ts'

interface VerifyOptions extends VerbOptions {
  /** True without a duration: the environment's own deadline. */
  wait?: string | true
  fix?: boolean
}

export default environmentScript<VerifyOptions>({
  name: 'verify',
  summary: 'Say whether everything is healthy: 0 healthy, 6 unhealthy, 7 still progressing.',

  define: command =>
    consentOptions(command)
      .option(
        '--wait [duration]',
        "wait until healthy, at most this long (90s, 10m); by default the environment's verify.deadline",
      )
      .option('--fix', 'first remove stale and duplicate pods, and the ReplicaSets of earlier owners, after asking')
      .option('--dry-run', 'with --fix: say what would be removed, change nothing; exit code 8 when something would'),

  async run(context, run) {
    const { describePlan, journalled } = await import('../lib/operation/verb.ts')
    const { judgement } = await import('../lib/phases/health/judgement.ts')
    const { straysRemoved } = await import('../lib/phases/health/strays.ts')
    const { doctor } = await import('../lib/phases/operator/doctor.ts')

    const { wait, fix, dryRun } = run.options
    const within = deadline(wait, context)
    if (!fix) {
      if (dryRun) throw usage('--dry-run: nothing is changed without --fix', 'leave it out, or add --fix')
      return judgement(context, within)
    }
    const phases = [doctor(), straysRemoved()]
    if (dryRun) return describePlan(phases, context)
    return journalled(phases, context, run, { conclude: () => judgement(context, within) })
  },
})

/** In milliseconds; undefined to assess once. */
function deadline(wait: VerifyOptions['wait'], { environment }: Context): number | undefined {
  if (wait === undefined) return undefined
  return wait === true ? environment.verify.deadline : durationOption('--wait', wait)
}
