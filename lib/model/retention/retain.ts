import { laterPeriod, moved, periodOf } from './calendar.ts'
import { PERIODS, type Period, type Policy, UNLIMITED, WITHIN } from './policy.ts'

/** What a policy decides on: a snapshot, a backup. */
export interface Retainable {
  id: string
  /** Milliseconds since 1970. */
  time: number
  /** The policy holds for each group by itself. */
  group: string
  /** Why it is kept whatever the policy says. It takes its places nevertheless, like one with restic's `--keep-tag`. */
  held?: string | undefined
}

/** Until when one is kept, at the earliest. */
export interface Until {
  /** A rule, or what holds it, has no end. */
  always: boolean
  /** Until so many newer ones are there. */
  newer: number | undefined
  /** Until then, in milliseconds since 1970, if one is taken in each period from now on. */
  at: number | undefined
}

export interface Decision<Item> {
  item: Item
  isKept: boolean
  /** Of each rule that keeps it; of one that is removed, why each does not. */
  reasons: string[]
  /** Undefined for one that is removed. */
  until: Until | undefined
}

/** What one rule says to one item. */
interface Verdict {
  keeps: boolean
  reason: string
  until?: Partial<Until>
}

/** A rule, as it goes through a group from the newest to the oldest. */
type Rule = (time: number, isOldest: boolean) => Verdict

const NOUNS: Record<Period, string> = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' }

/**
 * Which of these are kept, and why, as restic's `forget` decides it; the newest first, group by group. Of equal times the order stays.
 * Every group keeps one at least.
 * https://github.com/restic/restic/blob/master/internal/data/snapshot_policy.go
 */
export function retain<Item extends Retainable>(items: readonly Item[], policy: Policy, now: number): Decision<Item>[] {
  const groups = [...new Set(items.map(({ group }) => group))]
  return groups.flatMap(group =>
    decide(
      items.filter(item => item.group === group).sort((a, b) => b.time - a.time),
      policy,
      now,
    ),
  )
}

function decide<Item extends Retainable>(newestFirst: readonly Item[], policy: Policy, now: number): Decision<Item>[] {
  const rules = rulesFor(
    newestFirst.map(({ time }) => time),
    policy,
    now,
  )
  const decisions = newestFirst.map((item, at): Decision<Item> => {
    const verdicts = rules.map(rule => rule(item.time, at === newestFirst.length - 1))
    const keeping = verdicts.filter(({ keeps }) => keeps)
    if (item.held !== undefined) keeping.unshift({ keeps: true, reason: item.held, until: { always: true } })
    const isKept = keeping.length > 0
    const reasons = (isKept ? keeping : verdicts).map(({ reason }) => reason)
    return { item, isKept, reasons, until: isKept ? lastOf(keeping) : undefined }
  })
  const [newest] = decisions
  // A policy whose every count is 0 would remove all of them.
  if (!newest || decisions.some(({ isKept }) => isKept)) return decisions
  const saved = { isKept: true, reasons: ['the last one'], until: { always: false, newer: 1, at: undefined } }
  return [{ ...newest, ...saved }, ...decisions.slice(1)]
}

/** All of them have to be over. */
function lastOf(verdicts: Verdict[]): Until {
  const ends = verdicts.map(({ until }) => until ?? {})
  const most = (found: (number | undefined)[]) => {
    const known = found.filter(each => each !== undefined)
    return known.length > 0 ? Math.max(...known) : undefined
  }
  const always = ends.some(end => end.always)
  const [newer, at] = [most(ends.map(end => end.newer)), most(ends.map(end => end.at))]
  return { always, newer: always ? undefined : newer, at: always ? undefined : at }
}

/** In restic's order. */
function rulesFor(times: readonly number[], policy: Policy, now: number): Rule[] {
  const { timeZone } = policy
  const newest = times[0] ?? now
  // One of the future does not move the others out.
  const latest = times.find(time => time < now)
  const rules: Rule[] = []
  const { within } = policy
  if (within) rules.push(withinRule(within, latest, timeZone))
  if (policy.last) rules.push(lastRule(policy.last))
  for (const period of PERIODS) {
    const count = policy[period]
    if (count) rules.push(countRule(period, count, newest, timeZone))
  }
  for (const period of PERIODS) {
    const span = policy[WITHIN[period]]
    if (span) rules.push(periodWithinRule(period, span, latest, timeZone))
  }
  return rules
}

type Span = NonNullable<Policy['within']>

function withinRule(span: Span, latest: number | undefined, timeZone: string): Rule {
  const cutoff = cutoffOf(span, latest, timeZone)
  return time =>
    time > cutoff
      ? { keeps: true, reason: `within ${span.text}`, until: { at: moved(time, span, 1, timeZone) } }
      : { keeps: false, reason: `within ${span.text}: it is older` }
}

const cutoffOf = (span: Span, latest: number | undefined, timeZone: string): number =>
  latest === undefined ? Number.NEGATIVE_INFINITY : moved(latest, span, -1, timeZone)

function lastRule(count: number): Rule {
  let kept = 0
  return () => {
    if (count !== UNLIMITED && kept === count) return { keeps: false, reason: `last: ${count} are newer` }
    kept++
    return {
      keeps: true,
      reason: 'last snapshot',
      until: count === UNLIMITED ? { always: true } : { newer: count - kept + 1 },
    }
  }
}

function countRule(period: Period, count: number, newest: number, timeZone: string): Rule {
  let kept = 0
  let before: number | undefined
  return (time, isOldest) => {
    if (count !== UNLIMITED && kept === count) return { keeps: false, reason: `${period}: ${count} are newer` }
    const key = periodOf(period, time, timeZone)
    const isSame = key === before
    // The oldest is kept while there are places, so that the history is as long as it may be.
    if (isSame && !isOldest) return { keeps: false, reason: `${period}: one of the same ${NOUNS[period]} is newer` }
    before = key
    kept++
    const until = count === UNLIMITED ? { always: true } : { at: laterPeriod(period, newest, count - kept + 1, timeZone) }
    return { keeps: true, reason: `${isSame ? 'oldest ' : ''}${period} snapshot`, until }
  }
}

function periodWithinRule(period: Period, span: Span, latest: number | undefined, timeZone: string): Rule {
  const cutoff = cutoffOf(span, latest, timeZone)
  let before: number | undefined
  return (time, isOldest) => {
    const rule = `${period} within ${span.text}`
    if (time <= cutoff) return { keeps: false, reason: `${rule}: it is older` }
    const key = periodOf(period, time, timeZone)
    const isSame = key === before
    if (isSame && !isOldest) return { keeps: false, reason: `${rule}: one of the same ${NOUNS[period]} is newer` }
    before = key
    return { keeps: true, reason: `${isSame ? 'oldest ' : ''}${rule}`, until: { at: moved(time, span, 1, timeZone) } }
  }
}
