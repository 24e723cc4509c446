/** A time by the calendar, whose length depends on where it begins. */
export interface CalendarSpan {
  years: number
  months: number
  days: number
  hours: number
  /** As it was written. */
  text: string
}

const UNITS = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const

/** `2y5m7d3h` in any order, each unit once; `m` means months, as restic has it. Undefined for anything else, and for no time at all. */
export function parseCalendarSpan(text: string): CalendarSpan | undefined {
  if (!/^(?:\d{1,4}[ymdh])+$/.test(text)) return undefined
  const span = { years: 0, months: 0, days: 0, hours: 0, text }
  const parts = [...text.matchAll(/(\d+)([ymdh])/g)]
  for (const [, amount, unit] of parts) span[UNITS[unit as keyof typeof UNITS]] = Number(amount)
  const isOnce = new Set(parts.map(([, , unit]) => unit)).size === parts.length
  return isOnce && parts.some(([, amount]) => Number(amount) > 0) ? span : undefined
}
