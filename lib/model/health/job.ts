import { command } from '../shell.ts'
import { broken, doubtful, type Finding, underway } from './finding.ts'
import { conditionOf, type Job, nameOf } from './objects.ts'

/** Jobs that gave up or were suspended. Running ones are judged by their pods. */
export const jobFindings = (jobs: readonly Job[]): Finding[] => jobs.flatMap(job => jobFinding(job) ?? [])

function jobFinding(job: Job): Finding | undefined {
  const { name, namespace, deletionTimestamp } = job.metadata
  const object = nameOf('Job', job)
  if (deletionTimestamp !== undefined) return underway('job/terminating', object, 'being deleted')
  const failed = conditionOf(job.status?.conditions, 'Failed')
  if (failed?.status === 'True') {
    const text = [failed.reason, failed.message].filter(Boolean).join(': ') || 'failed without a message'
    return broken('job/failed', object, text, { remedy: command`kubectl -n ${namespace} logs job/${name}` })
  }
  if (conditionOf(job.status?.conditions, 'Suspended')?.status !== 'True') return undefined
  const remedy = command`kubectl -n ${namespace} patch job ${name} -p '{"spec":{"suspend":false}}'`
  return doubtful('job/suspended', object, 'suspended: it has no pods', { remedy })
}
