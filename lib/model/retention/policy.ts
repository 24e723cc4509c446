import type { CalendarSpan } from '../../runtime/calendar-span.ts'

/** The periods of which the newest of each is kept. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type Period = (typeof PERIODS)[number]

/** The rule for the newest of each period within a time. */
export const WITHIN = {
  hourly: 'within-hourly',
  daily: 'within-daily',
  weekly: 'within-weekly',
  monthly: 'within-monthly',
  yearly: 'within-yearly',
} as const satisfies Record<Period, string>

/** How many to keep: 0 none by this rule, −1 without end. */
export const UNLIMITED = -1

/** What is kept, in restic's words. https://restic.readthedocs.io/en/stable/060_forget.html */
export type Policy = {
  [Rule in 'last' | Period]?: number | undefined
} & {
  /** Back from the newest one, not from now. */
  [Rule in 'within' | (typeof WITHIN)[Period]]?: CalendarSpan | undefined
} & {
  /** IANA's name of the zone in which days, weeks and the others begin. */
  timeZone: string
}
