import { record, text, type Values } from '../layer/planned.ts'
import type { StateResource } from '../layer/state.ts'

/** Every day at one time, in cron's words. */
const DAILY = /^(\d{1,2}) (\d{1,2}) \* \* \*$/
const JOB = 'google_cloud_scheduler_job'

/**
 * When Cloud Scheduler starts and stops a VM, by the jobs in a layer's state. Undefined without one job for each that comes once every
 * day, both in one time zone.
 */
export function scheduleIn(resources: readonly Pick<StateResource, 'type' | 'attributes'>[]) {
  const jobs = resources.filter(({ type }) => type === JOB).map(({ attributes }) => attributes)
  const [on, off] = ['start', 'stop'].map(does => jobs.filter(job => target(job).endsWith(`/${does}`)))
  const [first, second] = [on?.length === 1 ? on[0] : undefined, off?.length === 1 ? off[0] : undefined]
  const zones = new Set([first, second].map(job => text(job?.time_zone)))
  const [timeZone] = zones
  const times = [first, second].map(job => timeIn(text(job?.schedule)))
  if (zones.size !== 1 || timeZone === undefined || times[0] === undefined || times[1] === undefined) return undefined
  return { on: times[0], off: times[1], timeZone }
}

/** What a job calls; a block is a list in a state. */
function target({ http_target: block }: Values): string {
  return text(record(Array.isArray(block) ? block[0] : block)?.uri) ?? ''
}

function timeIn(cron: string | undefined): string | undefined {
  const [, minute, hour] = DAILY.exec(cron ?? '') ?? []
  if (hour === undefined || minute === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined
  return `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`
}
