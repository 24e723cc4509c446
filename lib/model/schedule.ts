import { instantOf, wallClock } from './wall-clock.ts'

/** When something, such as a scheduler job of the Terraform tree's, starts and stops the VM, every day. */
export interface Schedule {
  /** Times of day, `HH:MM`. */
  on: string
  off: string
  /** IANA's name, such as `Asia/Taipei`. */
  timeZone: string
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Some clocks are more than half a day ahead. */
const DAYS = [-2, -1, 0, 1, 2]

/** Whether the schedule has the VM on, and until when: what it did last holds until it does the opposite. */
export function scheduleAt(schedule: Schedule, now: Date): { isOn: boolean; until: Date } {
  const { timeZone } = schedule
  const today = wallClock(now.getTime(), timeZone)
  const events = (['on', 'off'] as const)
    .flatMap(does => DAYS.map(day => ({ does, at: instantOf(timeOn(today + day * DAY_MS, schedule[does]), timeZone) })))
    .sort((a, b) => a.at - b.at)
  const isOn = events.findLast(({ at }) => at <= now.getTime())?.does === 'on'
  const next = events.find(({ does, at }) => at > now.getTime() && does === (isOn ? 'off' : 'on'))
  return { isOn, until: new Date(next?.at ?? Number.NaN) }
}

/** Google has more words for a VM that is off; these are those of one that was stopped. */
const STOPPED = ['PENDING_STOP', 'STOPPING', 'TERMINATED', 'STOPPED']

/** Until when a VM with this status is off by its schedule; undefined when it runs, or is off for another reason. */
export function offUntil(status: string | undefined, schedule: Schedule | undefined, now: Date): Date | undefined {
  if (!schedule || !STOPPED.includes(status ?? '')) return undefined
  const { isOn, until } = scheduleAt(schedule, now)
  return isOn ? undefined : until
}

/** `09:00 (Asia/Taipei)`: the operator's own clock may show another time. */
export function clockOf(at: Date, { timeZone }: Schedule): string {
  return `${new Date(wallClock(at.getTime(), timeZone)).toISOString().slice(11, 16)} (${timeZone})`
}

/** A time of day, `HH:MM`, on the day of what clocks show. */
function timeOn(shown: number, time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return Math.floor(shown / DAY_MS) * DAY_MS + (hours * 60 + minutes) * MINUTE_MS
}
