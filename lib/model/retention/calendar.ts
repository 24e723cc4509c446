import type { CalendarSpan } from '../../runtime/calendar-span.ts'
import { instantOf, wallClock } from '../wall-clock.ts'
import type { Period } from './policy.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WEEK = 7

/** Two times are of the same period if these are the same. Of an hour that comes twice, both are one: clocks show the same. */
export function periodOf(period: Period, at: number, timeZone: string): number {
  const shown = new Date(wallClock(at, timeZone))
  const [year, month, day] = [shown.getUTCFullYear(), shown.getUTCMonth() + 1, shown.getUTCDate()]
  if (period === 'yearly') return year
  if (period === 'monthly') return year * 100 + month
  if (period === 'weekly') return isoWeek(shown)
  const date = (year * 100 + month) * 100 + day
  return period === 'daily' ? date : date * 100 + shown.getUTCHours()
}

/** ISO year × 100 + week: a week belongs to the year that has its Thursday. */
function isoWeek(shown: Date): number {
  const thursday = new Date(shown.getTime() + (4 - (shown.getUTCDay() || WEEK)) * DAY_MS)
  const year = thursday.getUTCFullYear()
  return year * 100 + 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (WEEK * DAY_MS))
}

/** When the period begins that comes so many after the one of this time. */
export function laterPeriod(period: Period, at: number, ahead: number, timeZone: string): number {
  const shown = new Date(wallClock(at, timeZone))
  const [year, month, day] = [shown.getUTCFullYear(), shown.getUTCMonth(), shown.getUTCDate()]
  const begins = {
    hourly: () => Date.UTC(year, month, day, shown.getUTCHours() + ahead),
    daily: () => Date.UTC(year, month, day + ahead),
    weekly: () => Date.UTC(year, month, day + 1 - (shown.getUTCDay() || WEEK) + WEEK * ahead),
    monthly: () => Date.UTC(year, month + ahead),
    yearly: () => Date.UTC(year + ahead, 0),
  }
  return instantOf(begins[period](), timeZone)
}

/**
 * The time that is a span before or after another: years, months and days by the calendar, a day that a month does not have being one of
 * the next (February 31 is March 3), then the hours. What would be before 1970 is before everything.
 */
export function moved(at: number, { years, months, days, hours }: CalendarSpan, way: 1 | -1, timeZone: string): number {
  const shown = new Date(wallClock(at, timeZone))
  shown.setUTCFullYear(
    shown.getUTCFullYear() + way * years,
    shown.getUTCMonth() + way * months,
    shown.getUTCDate() + way * days,
  )
  const isKnown = shown.getTime() >= 0
  if (!isKnown) return way * Number.POSITIVE_INFINITY
  return instantOf(shown.getTime(), timeZone) + way * hours * HOUR_MS
}
