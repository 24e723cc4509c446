#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { parseDuration } from '../lib/config/schema.ts'
import { sorted, verdictOf } from '../lib/model/health/finding.ts'
import { newestBuilds } from '../lib/phases/image.ts'
import { environmentScript, type Operation } from '../lib/phases/operation.ts'
import { type Assessment, assessment, untilHealthy } from '../lib/phases/verify.ts'
import { findingsText, stdoutChalk } from '../lib/report/findings.ts'
import { exitCodes, usage } from '../lib/runtime/errors.ts'
import type { Json } from '../lib/runtime/json.ts'

interface VerifyOptions {
  /** True without a duration: the environment's own deadline. */
  wait?: string | true
}

export default environmentScript<VerifyOptions>({
  name: 'verify',
  summary: 'Say whether everything is healthy: 0 healthy, 6 unhealthy, 7 still progressing.',

  define(command) {
    command.option('--wait [duration]', "wait until healthy, at most this long (90s, 10m); else the environment's deadline")
  },

  async run(operation, { options }) {
    const [assessed, newest] = await Promise.all([
      options.wait === undefined ? assessment(operation) : waited(operation, options.wait),
      newestBuilds(operation),
    ])
    const findings = sorted([...assessed.findings, ...newest])
    // What was awaited in vain has become an error.
    const verdict = assessed.verdict === 'unhealthy' ? 'unhealthy' : verdictOf(findings)
    return {
      exitCode: { healthy: exitCodes.ok, unhealthy: exitCodes.unhealthy, progressing: exitCodes.partial }[verdict],
      document: { verdict, findings: findings as unknown as Json },
      text: findingsText(findings, verdict, stdoutChalk()),
    }
  },
})

async function waited(operation: Operation, wait: string | true): Promise<Assessment> {
  const within = wait === true ? operation.environment.verify.deadline : parseDuration(wait)
  if (within === undefined) throw usage(`--wait: "${wait}" is no duration`, 'write e.g. 90s, 10m, 2h')
  const activity = operation.log.activity('Waiting for everything to be healthy')
  operation.progress = activity.update
  try {
    const result = await untilHealthy(operation, within)
    if (result.verdict === 'healthy') activity.done()
    else activity.failed('out of time')
    return result
  } catch (error) {
    activity.failed()
    throw error
  }
}
