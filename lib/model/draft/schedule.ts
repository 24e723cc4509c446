import { baseName, block, text, type Values } from '../layer/planned.ts'
import type { StateResource } from '../layer/state.ts'
import type { Schedule } from '../schedule.ts'

/** Something that starts or stops a VM at a time of day. */
interface Event {
  does: 'start' | 'stop'
  /** `HH:MM`; undefined for what does not do it every day at one time. */
  at: string | undefined
  timeZone: string | undefined
}

/**
 * When the VM is on, by what the states hold: jobs of Cloud Scheduler that call Compute Engine, or a policy of Compute Engine itself.
 * Undefined unless one starts it and one stops it, each every day at one time.
 */
export function scheduleIn(resources: readonly Pick<StateResource, 'type' | 'attributes'>[], vm: string): Schedule | undefined {
  const policies = resources
    .filter(({ type, attributes }) => type === 'google_compute_instance' && attributes.name === vm)
    .flatMap(({ attributes: { resource_policies: named } }) => (Array.isArray(named) ? named.map(String) : []))
  const isOwn = ({ name }: Values) => policies.some(policy => baseName(policy) === name)
  const events = resources.flatMap(({ type, attributes }) =>
    type === 'google_compute_resource_policy'
      ? isOwn(attributes)
        ? eventsOfPolicy(attributes)
        : []
      : eventsOfJob(type, attributes, vm),
  )
  const [start, ...otherStarts] = events.filter(({ does }) => does === 'start')
  const [stop, ...otherStops] = events.filter(({ does }) => does === 'stop')
  if (otherStarts.length + otherStops.length > 0) return undefined
  const [on, off, timeZone] = [start?.at, stop?.at, start?.timeZone]
  if (on === undefined || off === undefined || on === off) return undefined
  return timeZone === undefined || timeZone !== stop?.timeZone ? undefined : { on, off, timeZone }
}

function eventsOfJob(type: string, values: Values, vm: string): Event[] {
  if (type !== 'google_cloud_scheduler_job' || values.paused === true) return []
  const uri = text(block(values, 'http_target')?.uri) ?? ''
  const [, name, does] = /\/instances\/([^/]+)\/(start|stop)$/.exec(uri) ?? []
  if (name !== vm) return []
  return [{ does: does as Event['does'], at: timeOf(text(values.schedule)), timeZone: text(values.time_zone) }]
}

function eventsOfPolicy(values: Values): Event[] {
  const policy = block(values, 'instance_schedule_policy')
  if (!policy) return []
  return (['start', 'stop'] as const).flatMap(does => {
    const schedule = block(policy, `vm_${does}_schedule`)
    return schedule ? [{ does, at: timeOf(text(schedule.schedule)), timeZone: text(policy.time_zone) }] : []
  })
}

/** Of a cron expression for every day. https://docs.cloud.google.com/scheduler/docs/configuring/cron-job-schedules */
function timeOf(cron = ''): string | undefined {
  const [, minute = '', hour = ''] = /^\s*(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+\*\s*$/.exec(cron) ?? []
  if (hour === '' || Number(hour) > 23 || Number(minute) > 59) return undefined
  return `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`
}
