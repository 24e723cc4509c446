#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { parseDuration } from '../lib/config/schema.ts'
import { judgement } from '../lib/phases/judgement.ts'
import { confirmed, describePlan, environmentScript, journalled, type Operation } from '../lib/phases/operation.ts'
import { doctor } from '../lib/phases/readiness.ts'
import { straysRemoved } from '../lib/phases/repair.ts'
import { usage } from '../lib/runtime/errors.ts'

interface VerifyOptions {
  /** True without a duration: the environment's own deadline. */
  wait?: string | true
  fix?: boolean
}

export default environmentScript<VerifyOptions>({
  name: 'verify',
  summary: 'Say whether everything is healthy: 0 healthy, 6 unhealthy, 7 still progressing.',

  define: command =>
    command
      .option('--wait [duration]', "wait until healthy, at most this long (90s, 10m); else the environment's deadline")
      .option('--fix', 'first remove stale and duplicate pods, and the ReplicaSets that earlier owners left, after asking')
      .option('--dry-run', 'with --fix: say what would be removed, change nothing; exit code 8 when something would')
      .option('--yes', 'with --fix: do not ask')
      .option('--confirm <env>', "with --fix: the environment's name, typed"),

  async run(operation, run) {
    const { wait, fix, dryRun } = run.options
    const within = deadline(wait, operation)
    if (!fix) {
      if (dryRun) throw usage('--dry-run: without --fix nothing is changed', 'leave it out, or add --fix')
      return judgement(operation, within)
    }
    const phases = [doctor(), straysRemoved({ agreed: () => confirmed('verify --fix', operation, run.options) })]
    if (dryRun) return describePlan(phases, operation)
    return journalled(phases, operation, run, { conclude: () => judgement(operation, within) })
  },
})

/** Milliseconds; undefined for one look. */
function deadline(wait: VerifyOptions['wait'], { environment }: Operation): number | undefined {
  if (wait === undefined) return undefined
  const within = wait === true ? environment.verify.deadline : parseDuration(wait)
  if (within === undefined) throw usage(`--wait: "${wait}" is no duration`, 'write e.g. 90s, 10m, 2h')
  return within
}
