import type { Journal } from '../../../lib/runtime/journal.ts'

/** The journal of an `up` in the lab that has just begun. */
export const journalOf = (id: string, more: Partial<Omit<Journal, 'facts'>> & { facts?: object } = {}): Journal => ({
  schema: 'threads-ops/journal/1',
  id,
  verb: 'up',
  env: 'lab',
  operator: 'ann@desk',
  gitSha: 'abc',
  startedAt: '2025-11-01T12:00:00Z',
  args: {},
  phases: [],
  ...more,
  facts: { ...more.facts },
})
