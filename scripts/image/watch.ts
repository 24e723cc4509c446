#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/operation/verb.ts'
import { verified } from '../../lib/phases/health/verified.ts'
import { followed } from '../../lib/phases/image/followed.ts'
import { remembered } from '../../lib/phases/image/remembered.ts'
import { Rollout, rolloutDocument, rolloutText } from '../../lib/phases/image/rollout.ts'
import { doctor } from '../../lib/phases/operator/doctor.ts'

export default verb<object, Rollout>({
  name: 'image:watch',
  summary: 'Go on following the last bump from where an earlier run stopped.',

  subject: context => new Rollout(context),

  phases: ({ environment }, _run, rollout) => [
    doctor(),
    remembered(rollout),
    ...followed(rollout),
    verified({ within: environment.verify.deadline, images: () => rollout.expected() }),
  ],

  report: rolloutText,
  document: rolloutDocument,
})
