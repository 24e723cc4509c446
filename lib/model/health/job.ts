import { broken, type Finding } from './finding.ts'
import { conditionOf, type Job, nameOf } from './objects.ts'

/** Jobs that gave up. Running ones show through their pods. */
export const jobFindings = (jobs: readonly Job[]): Finding[] =>
  jobs.flatMap(job => {
    const failed = conditionOf(job.status?.conditions, 'Failed')
    if (failed?.status !== 'True') return []
    const { name, namespace } = job.metadata
    const text = [failed.reason, failed.message].filter(Boolean).join(': ') || 'failed without a message'
    return [broken('job/failed', nameOf('Job', job), text, { remedy: `kubectl -n ${namespace} logs job/${name}` })]
  })
