#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/command-line/verb.ts'

export default verb({
  name: 'image:watch',
  summary: 'Go on following the last bump from where an earlier run stopped.',

  async work(context) {
    const { verified } = await import('../../lib/phases/health/verified.ts')
    const { followed } = await import('../../lib/phases/image/followed.ts')
    const { remembered } = await import('../../lib/phases/image/remembered.ts')
    const { Rollout, rolloutDocument, rolloutText } = await import('../../lib/phases/image/rollout.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')

    const rollout = new Rollout(context)
    return {
      phases: [
        doctor(),
        remembered(rollout),
        ...followed(rollout),
        verified({ within: context.environment.verify.deadline, images: () => rollout.expected() }),
      ],
      report: () => rolloutText(rollout),
      document: () => rolloutDocument(rollout),
    }
  },
})
