const DAY_MS = 86_400_000
const SECOND_MS = 1000

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making one takes much longer than using it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en', {
    ...{ timeZone, hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  formats.set(timeZone, format)
  return format
}

/** What clocks show in a time zone, as the milliseconds of the same date and time in UTC. @param timeZone IANA's name */
export function wallClock(at: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % SECOND_MS) + SECOND_MS) % SECOND_MS)
}

/**
 * When clocks show a date and time, given as `wallClock` does. Of one that comes twice the first, and of one that is left out as much later
 * as the clocks are put forward, like Temporal's `compatible`. https://tc39.es/proposal-temporal/docs/timezone.html
 */
export function instantOf(shown: number, timeZone: string): number {
  const [before, after] = [shown - DAY_MS, shown + DAY_MS].map(near => near - wallClock(near, timeZone)) as [number, number]
  const [first = shown + before] = [shown + before, shown + after]
    .sort((a, b) => a - b)
    .filter(at => wallClock(at, timeZone) === shown)
  return first
}

/** The day that clocks show, `2026-12-01`. */
export const clockDay = (at: number, timeZone: string): string => new Date(wallClock(at, timeZone)).toISOString().slice(0, 10)
