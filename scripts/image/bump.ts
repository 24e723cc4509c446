#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { courseOf } from '../../lib/phases/course.ts'
import { type BumpRequest, bumped, courseDocument, courseText, followed, workflowFit } from '../../lib/phases/image.ts'
import { verb } from '../../lib/phases/operation.ts'
import { doctor } from '../../lib/phases/readiness.ts'
import { verified } from '../../lib/phases/verify.ts'

export default verb<BumpRequest>({
  name: 'image:bump',
  summary: "Raise a service's version, push it, and follow its image hop by hop into the pods. Repeating it resumes the watch.",

  define: command =>
    command
      .requiredOption('--service <name>', 'whose version')
      .option('--to <version>', 'patch, minor, major, or a version such as 1.2.3', 'patch')
      .option('--force', 'push even where the workflow is known to be wrong', false),

  phases(operation, { options }) {
    const course = courseOf(operation)
    return [
      doctor(),
      workflowFit(course, options),
      bumped(course, options),
      ...followed(course),
      verified({ within: operation.environment.verify.deadline, images: () => course.expected() }),
    ]
  },

  report: async operation => courseText(courseOf(operation)),
  document: operation => courseDocument(courseOf(operation)),
})
