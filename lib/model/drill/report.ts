import type { Journal, PhaseRecord } from '../../runtime/journal.ts'
import type { Check, Verdict } from './check.ts'
import type { Conclusion } from './conclusion.ts'
import type { Attempt, Dump, Facts, Health } from './facts.ts'
import type { Marker } from './marker.ts'
import { proofRows } from './proof.ts'
import type { Scenario, Stage } from './step.ts'
import { disruptedAt, finished, type Pause, pausesOf } from './times.ts'
import { conclude } from './verdict.ts'

/** One step in the timeline. Times are milliseconds since the beginning, without the pauses. */
export interface Bar {
  id: string
  title: string
  stage: Stage
  /** `killed`: the run was killed in this step; how long it had worked on it is not known. */
  status: PhaseRecord['status'] | 'killed'
  from: number
  ms: number
}

/** Everything that a drill's report says, derived from its journal alone. */
export interface DrillReport {
  id: string
  environment: string
  scenario: Scenario
  operator: string
  gitSha: string
  startedAt: string
  /** Missing while it is unfinished. */
  endedAt?: string
  verdict: Verdict | 'unfinished'
  reasons: string[]
  checks: Check[]
  rto: Conclusion['rto']
  rpo: Conclusion['rpo']
  /** Age of the newest snapshot at the disruption: how much data restoring the VM would have lost. */
  snapshot: { name: string; ageMs: number } | null
  attempts: Attempt[]
  pauses: Pause[]
  timeline: {
    bars: Bar[]
    /** Where no run was at work, and for how long. */
    breaks: { at: number; ms: number }[]
    /** Without the pauses, in milliseconds. */
    ms: number
    disruptedAt: number | null
    healthyAt: number | null
  }
  proof: { layer: string; moments: string[]; rows: ReturnType<typeof proofRows> } | null
  markers: (Marker & { check: Check | undefined })[]
  dumps: Dump[]
  health: Health | null
  leftovers: string[]
  targets: Record<string, string>
}

/**
 * @param scenario of the journal, if it is known
 * @returns undefined for a journal that is not a drill's, or whose scenario no longer exists
 */
export function reportOf(journal: Journal, scenario: Scenario | undefined): DrillReport | undefined {
  const facts = journal.facts as Facts
  if (!facts.drill || !scenario) return undefined
  const { attempts = [], begun = {}, comparisons = {}, steadyState, health, markers = [], dumps = [], leftovers = [] } = facts
  const { targets } = facts.drill
  const soFar =
    facts.conclusion ??
    conclude(scenario, {
      facts,
      records: journal.phases,
      wanted: { environment: journal.env, vm: targets.vm ?? '' },
    })
  const disrupted = disruptedAt(scenario, begun)
  const newest = steadyState?.newestSnapshot
  const later = scenario.steps.flatMap(({ id }) => comparisons[id] ?? [])
  return {
    id: journal.id,
    environment: journal.env,
    scenario,
    operator: journal.operator,
    gitSha: journal.gitSha,
    startedAt: journal.startedAt,
    ...(facts.conclusion && journal.endedAt !== undefined && { endedAt: journal.endedAt }),
    verdict: facts.conclusion ? facts.conclusion.verdict : 'unfinished',
    reasons: soFar.reasons,
    checks: soFar.checks,
    rto: soFar.rto,
    rpo: soFar.rpo,
    snapshot: newest && disrupted !== undefined ? { name: newest.name, ageMs: disrupted - Date.parse(newest.createdAt) } : null,
    attempts,
    pauses: pausesOf(attempts, begun, journal.phases),
    timeline: timelineOf(scenario, journal, disrupted),
    proof:
      facts.proof && later[0]
        ? {
            layer: later[0].layer,
            moments: later.map(({ moment }) => moment),
            rows: proofRows(
              facts.proof,
              later.map(({ proof }) => proof),
            ),
          }
        : null,
    markers: markers.map(marker => ({ ...marker, check: soFar.checks.find(({ id }) => id === `marker/${marker.name}`) })),
    dumps,
    health: health ?? null,
    leftovers,
    targets,
  }
}

function timelineOf(scenario: Scenario, journal: Journal, disrupted: number | undefined): DrillReport['timeline'] {
  const { attempts = [], begun = {}, health } = journal.facts as Facts
  const origin = Date.parse(journal.startedAt)
  const pauses = pausesOf(attempts, begun, journal.phases).map(({ from, to }) => ({
    from: Date.parse(from),
    to: Date.parse(to),
  }))
  const active = (time: number): number =>
    pauses.reduce((left, { from, to }) => left - Math.max(0, Math.min(time, to) - from), time - origin)

  const bars = scenario.steps.flatMap(({ id, title, stage }) => {
    const all = journal.phases.filter(record => record.id === id)
    const last = finished(all, id)
    // A later run only checks what is finished.
    const records = last ? all.slice(0, all.indexOf(last) + 1) : all
    const recorded = records.map(record => ({
      status: record.status,
      from: active(Date.parse(record.startedAt)),
      ms: record.ms,
    }))
    const killed = pauses
      .filter(({ from, to }) => isWithin(begun[id], from, to, journal, id))
      .map(({ from }) => ({
        status: 'killed' as const,
        from: active(Date.parse(begun[id] ?? '')),
        ms: Math.max(0, from - Date.parse(begun[id] ?? '')),
      }))
    return [...killed, ...recorded].map(bar => ({ id, title, stage, ...bar }))
  })
  return {
    bars,
    breaks: pauses.map(({ from, to }) => ({ at: active(from), ms: to - from })),
    ms: Math.max(0, ...bars.map(({ from, ms }) => from + ms)),
    disruptedAt: disrupted === undefined ? null : active(disrupted),
    healthyAt: health?.verdict === 'healthy' ? active(Date.parse(health.at)) : null,
  }
}

/** Whether a step began before a pause and had not ended by then: that is how a killed run leaves a step. */
function isWithin(at: string | undefined, from: number, to: number, { phases }: Journal, id: string): boolean {
  if (at === undefined || Date.parse(at) > from) return false
  const ended = phases.some(record => record.id === id && Date.parse(record.startedAt) + record.ms <= to)
  return !ended && finished(phases, id) !== undefined
}
