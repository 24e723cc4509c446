import type { Until } from '../model/retention/retain.ts'
import type { Fate, Prunable } from '../model/snapshot/pruning.ts'
import { clockDay } from '../model/wall-clock.ts'
import type { Json } from '../runtime/json.ts'
import { table } from '../runtime/table.ts'

/** The plan of a pruning for people: each snapshot, what becomes of it, and why. */
export function planText(fates: readonly Fate<Prunable>[], timeZone: string): string {
  if (fates.length === 0) return 'No snapshots.'
  const removed = fates.filter(({ isKept }) => !isKept).length
  const rows = fates.map(({ snapshot: { name, labels, sourceDisk, createdAt }, isKept, reasons, until }) => [
    isKept ? 'keep' : 'remove',
    name,
    labels.layer ?? '',
    sourceDisk,
    createdAt,
    reasons.join('; '),
    untilText(until, timeZone),
  ])
  const summary = `${removed} of ${fates.length} to be removed; days and weeks as in ${timeZone}.`
  return `${table(['', 'NAME', 'LAYER', 'DISK', 'CREATED', 'WHY', 'UNTIL'], rows)}\n${summary}`
}

export const planDocument = (fates: readonly Fate<Prunable>[]) => ({
  snapshots: fates.map(({ snapshot: { name, id, labels, sourceDisk, createdAt }, isKept, reasons, until }) => ({
    ...{ name, id, layer: labels.layer ?? null, disk: sourceDisk, createdAt },
    ...{ keep: isKept, reasons, until: untilDocument(until) },
  })) as unknown as Json,
})

/** `always`, `3 newer`, `2026-12-01`, or both of these, as both have to be over; `-` where no policy says it. */
export function untilText(until: Until | undefined, timeZone: string): string {
  if (!until) return '-'
  if (until.always) return 'always'
  const newer = until.newer === undefined ? [] : `${until.newer} newer`
  const at = until.at === undefined ? [] : clockDay(until.at, timeZone)
  return [newer, at].flat().join(', ') || '-'
}

/** The same for programs: the moment is ISO 8601. */
export const untilDocument = (until: Until | undefined) =>
  until
    ? {
        always: until.always,
        newer: until.newer ?? null,
        at: until.at !== undefined && Number.isFinite(until.at) ? new Date(until.at).toISOString() : null,
      }
    : null
