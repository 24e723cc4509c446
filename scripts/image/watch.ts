#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { courseOf } from '../../lib/phases/course.ts'
import { courseDocument, courseText, followed, remembered } from '../../lib/phases/image.ts'
import { verb } from '../../lib/phases/operation.ts'
import { doctor } from '../../lib/phases/readiness.ts'
import { verified } from '../../lib/phases/verify.ts'

export default verb({
  name: 'image:watch',
  summary: 'Go on following the last bump, wherever the run that pushed it has ended.',

  phases(operation) {
    const course = courseOf(operation)
    return [
      doctor(),
      remembered(course),
      ...followed(course),
      verified({ within: operation.environment.verify.deadline, images: () => course.expected() }),
    ]
  },

  report: async operation => courseText(courseOf(operation)),
  document: operation => courseDocument(courseOf(operation)),
})
