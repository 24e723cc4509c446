import { formatAge } from '../../health/age.ts'
import { check, NOT_REACHED } from '../check.ts'
import type { Judge } from '../step.ts'
import { finished } from '../times.ts'

/** A step whose work was already done has not shown that the drill can do it. */
export const judgeDone: Judge = ({ facts: { begun = {} }, records }, step) => {
  const record = finished(records, step.id)
  if (!record) return [check(step, 'inconclusive', NOT_REACHED)]
  if (record.status === 'done') return [check(step, 'pass', `done in ${formatAge(record.ms)}`)]
  if (begun[step.id] !== undefined) return [check(step, 'pass', 'done, by a run that was killed afterwards')]
  return [check(step, 'inconclusive', 'skipped: it had already been done, and not by this drill')]
}
