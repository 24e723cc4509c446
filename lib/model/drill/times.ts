import type { PhaseRecord } from '../../runtime/journal.ts'
import type { Rpo, Rto } from './conclusion.ts'
import type { Attempt, Facts } from './facts.ts'
import { isRecovered } from './marker.ts'
import type { Scenario, Stage } from './step.ts'

/** Time in which no run worked on a drill: between one that ended early and the one that resumed it. ISO 8601. */
export interface Pause {
  from: string
  to: string
}

type StepRecord = Pick<PhaseRecord, 'id' | 'status' | 'startedAt' | 'ms'>

const isDone = ({ status }: StepRecord): boolean => status === 'done' || status === 'skipped'

/** The record that finished a step; earlier ones are of attempts that ended in it. */
export const finished = <R extends StepRecord>(records: readonly R[], id: string): R | undefined =>
  records.find(record => record.id === id && isDone(record))

const endOf = ({ startedAt, ms }: StepRecord): number => Date.parse(startedAt) + ms

/** When the disruption began, in milliseconds of the epoch; undefined when nothing was destroyed. */
export function disruptedAt(scenario: Scenario, begun: Facts['begun'] = {}): number | undefined {
  const times = scenario.steps.filter(({ stage }) => stage === 'disrupt').map(({ id }) => Date.parse(begun[id] ?? ''))
  const known = times.filter(time => !Number.isNaN(time))
  return known.length > 0 ? Math.min(...known) : undefined
}

/** Undefined unless the system was disrupted and then found healthy. */
export function rtoOf(
  scenario: Scenario,
  { begun = {}, health, attempts = [] }: Facts,
  records: readonly StepRecord[],
): Rto | undefined {
  const disrupted = disruptedAt(scenario, begun)
  const destroyed = stageEnd(scenario, 'disrupt', records)
  const detected = stageEnd(scenario, 'detect', records)
  const restored = stageEnd(scenario, 'restore', records)
  if (disrupted === undefined || destroyed === undefined || detected === undefined || restored === undefined) return undefined
  if (health?.verdict !== 'healthy') return undefined
  const repair = scenario.steps.find(({ stage }) => stage === 'restore')?.id ?? ''
  const began = Date.parse(begun[repair] ?? '')
  if (Number.isNaN(began)) return undefined
  const verified = Date.parse(health.at)
  const paused = pausesOf(attempts, begun, records).map(({ from, to }) =>
    Math.max(0, Math.min(Date.parse(to), verified) - Math.max(Date.parse(from), disrupted)),
  )
  return {
    ms: verified - disrupted,
    detect: detected - disrupted,
    destruction: destroyed - disrupted,
    decide: began - detected,
    restore: restored - began,
    verify: verified - restored,
    paused: paused.reduce((sum, ms) => sum + ms, 0),
  }
}

function stageEnd({ steps }: Scenario, stage: Stage, records: readonly StepRecord[]): number | undefined {
  const ends = steps.filter(step => step.stage === stage).map(({ id }) => finished(records, id))
  return ends.every(record => record !== undefined) ? Math.max(...ends.map(endOf)) : undefined
}

/** Only what was written after the oldest recovered marker may be lost. */
export function rpoOf(scenario: Scenario, { begun, markers = [], found = {}, dumps = [] }: Facts): Rpo | undefined {
  const disrupted = disruptedAt(scenario, begun)
  if (disrupted === undefined || markers.length === 0 || markers.some(({ name }) => found[name] === undefined)) return undefined
  const lost = markers.filter(marker => !isRecovered(marker, found[marker.name]))
  if (lost.length > 0) {
    const copies = dumps.filter(
      ({ claim, holdsMarker }) => holdsMarker && lost.some(({ place }) => place.kind === 'volume' && place.claim === claim),
    )
    const kept = copies.map(({ claim, takenAt }) => `; a copy of ${claim} was taken at ${takenAt}`)
    return { ms: null, says: `not recovered: ${lost.map(({ name }) => name).join(', ')}${kept.join('')}` }
  }
  const oldest = Math.min(...markers.map(({ writtenAt }) => Date.parse(writtenAt)))
  return {
    ms: Math.max(0, disrupted - oldest),
    says: 'every marker was recovered; nothing is proven about what was written after them',
  }
}

/** The pauses between attempts. A killed run was alive at least until its last record. */
export function pausesOf(attempts: readonly Attempt[], begun: Facts['begun'], records: readonly StepRecord[]): Pause[] {
  const signs = [...Object.values(begun ?? {}).map(at => Date.parse(at)), ...records.map(endOf)]
  return attempts.slice(1).map(({ startedAt }, index) => {
    const before = attempts[index] as Attempt
    const next = Date.parse(startedAt)
    const last = signs.filter(sign => sign < next && sign >= Date.parse(before.startedAt))
    return { from: before.endedAt ?? new Date(Math.max(Date.parse(before.startedAt), ...last)).toISOString(), to: startedAt }
  })
}
