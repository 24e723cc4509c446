#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { valued } from '../../lib/command-line/values.ts'
import { verb } from '../../lib/command-line/verb.ts'
import type { BumpRequest } from '../../lib/phases/image/bumped.ts'

type BumpOptions = Omit<BumpRequest, 'to'> & { to?: string }

export default verb<BumpOptions>({
  name: 'image:bump',
  summary: "Raise a service's version, push it, and follow its image hop by hop into the pods. Repeating it resumes following.",

  define: command =>
    command
      .addOption(valued('delivered service', new Option('--service <name>', 'whose version to raise').makeOptionMandatory()))
      .addOption(
        valued(
          ['patch', 'minor', 'major'],
          new Option('--to <version>', 'patch (which is the default), minor, major, or a version such as 1.2.3'),
        ),
      )
      .addOption(
        new Option('--touch', 'push an empty commit instead of another version, for a service that has none').conflicts('to'),
      )
      .option('--force', 'push even if the workflow is known to be wrong', false),

  async work(context, { options }) {
    const { verified } = await import('../../lib/phases/health/verified.ts')
    const { bumped } = await import('../../lib/phases/image/bumped.ts')
    const { followed } = await import('../../lib/phases/image/followed.ts')
    const { Rollout, rolloutDocument, rolloutText } = await import('../../lib/phases/image/rollout.ts')
    const { workflowFit } = await import('../../lib/phases/image/workflow.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')

    const request = { ...options, to: options.to ?? 'patch' }
    const rollout = new Rollout(context)
    return {
      phases: [
        doctor(),
        workflowFit(rollout, request),
        bumped(rollout, request),
        ...followed(rollout),
        verified({ within: context.environment.verify.deadline, images: () => rollout.expected() }),
      ],
      report: () => rolloutText(rollout),
      document: () => rolloutDocument(rollout),
    }
  },
})
