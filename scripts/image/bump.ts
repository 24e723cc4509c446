#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/operation/verb.ts'
import { verified } from '../../lib/phases/health/verified.ts'
import { type BumpRequest, bumped } from '../../lib/phases/image/bumped.ts'
import { followed } from '../../lib/phases/image/followed.ts'
import { Rollout, rolloutDocument, rolloutText } from '../../lib/phases/image/rollout.ts'
import { workflowFit } from '../../lib/phases/image/workflow.ts'
import { doctor } from '../../lib/phases/operator/doctor.ts'

export default verb<BumpRequest, Rollout>({
  name: 'image:bump',
  summary: "Raise a service's version, push it, and follow its image hop by hop into the pods. Repeating it resumes following.",

  define: command =>
    command
      .requiredOption('--service <name>', 'whose version to raise')
      .option('--to <version>', 'patch, minor, major, or a version such as 1.2.3', 'patch')
      .option('--force', 'push even if the workflow is known to be wrong', false),

  subject: context => new Rollout(context),

  phases: ({ environment }, { options }, rollout) => [
    doctor(),
    workflowFit(rollout, options),
    bumped(rollout, options),
    ...followed(rollout),
    verified({ within: environment.verify.deadline, images: () => rollout.expected() }),
  ],

  report: rolloutText,
  document: rolloutDocument,
})
