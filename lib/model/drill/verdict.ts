import type { PhaseRecord } from '../../runtime/journal.ts'
import { formatAge } from '../health/age.ts'
import type { Facts, Health } from './facts.ts'
import { judgeMarker } from './marker.ts'
import { duplicates } from './pods.ts'
import { proofDifferences } from './proof.ts'
import type { Scenario, Step } from './scenario.ts'
import { type SnapshotWanted, snapshotFaults } from './snapshot.ts'
import { finished, type Rpo, type Rto, rpoOf, rtoOf } from './times.ts'

export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One thing on which the verdict rests. */
export interface Check {
  id: string
  title: string
  outcome: Verdict
  /** What was seen, for people. */
  says: string
}

export interface Conclusion {
  verdict: Verdict
  /** What keeps it from a pass. */
  reasons: string[]
  checks: Check[]
  rto: Rto | null
  rpo: Rpo | null
}

type Targets = Omit<SnapshotWanted, 'layer'>

/** Worst wins, and no checks prove nothing. An aborted drill never came to what it was to show, whatever it had seen by then. */
export function conclude(scenario: Scenario, facts: Facts, records: readonly PhaseRecord[], wanted: Targets): Conclusion {
  const checks = checksOf(scenario, facts, records, wanted)
  const outcomes = checks.map(({ outcome }) => outcome)
  const judged = outcomes.includes('fail')
    ? 'fail'
    : outcomes.length === 0 || outcomes.includes('inconclusive')
      ? 'inconclusive'
      : 'pass'
  const aborted = facts.aborted ? [`aborted by ${facts.aborted.operator} at ${facts.aborted.at}`] : []
  return {
    verdict: facts.aborted ? 'inconclusive' : judged,
    reasons: [...aborted, ...checks.filter(({ outcome }) => outcome !== 'pass').map(({ title, says }) => `${title}: ${says}`)],
    checks,
    rto: rtoOf(scenario, facts, records) ?? null,
    rpo: rpoOf(scenario, facts) ?? null,
  }
}

/** What each step has shown. One that was skipped, or never reached, has shown nothing. */
function checksOf(scenario: Scenario, facts: Facts, records: readonly PhaseRecord[], wanted: Targets): Check[] {
  return scenario.steps.flatMap(step => {
    const says = (outcome: Verdict, text: string, part = '', title = step.title): Check => ({
      id: `${step.id}${part}`,
      title,
      outcome,
      says: text,
    })
    switch (step.does) {
      case 'check-steady-state':
        return facts.steadyState ? [healthCheck(says, facts.steadyState, 'inconclusive')] : [says('inconclusive', NOT_REACHED)]
      case 'destroy':
      case 'apply':
      case 'snapshot':
        return [doneCheck(says, step, facts, records)]
      case 'detect-loss':
        if (!facts.loss) return [says('inconclusive', NOT_REACHED)]
        return facts.loss.verdict === 'healthy'
          ? [says('fail', 'verify calls the ruined system healthy')]
          : [says('pass', `${facts.loss.verdict}, with ${facts.loss.findings.length} findings`)]
      case 'compare-proof':
        return [untouched(says, step, facts)]
      case 'check-health':
        return healthChecks(says, facts)
      case 'judge-snapshot':
        return [snapshotCheck(says, step.layer, facts, wanted)]
      case 'judge-markers':
        return (facts.markers ?? []).length === 0
          ? [says('inconclusive', NOT_REACHED)]
          : (facts.markers ?? []).map(marker => judgeMarker(marker, facts.found?.[marker.name], copyOf(marker.place, facts)))
      default:
        return []
    }
  })
}

type Says = (outcome: Verdict, text: string, part?: string, title?: string) => Check

const NOT_REACHED = 'not reached'

/** A step that finds its work done by somebody else has not shown that the drill can do it. */
function doneCheck(says: Says, { id }: Step, { begun = {} }: Facts, records: readonly PhaseRecord[]): Check {
  const record = finished(records, id)
  if (!record) return says('inconclusive', NOT_REACHED)
  if (record.status === 'done' || begun[id] !== undefined)
    return says('pass', record.status === 'done' ? `done in ${formatAge(record.ms)}` : 'done, by a run that was killed')
  return says('inconclusive', 'skipped: it was so already, and not by this drill')
}

function untouched(says: Says, step: Step & { does: 'compare-proof' }, { proof, comparisons = {} }: Facts): Check {
  const later = comparisons[step.id]
  const title = `${step.layer} untouched ${step.moment}`
  if (!proof || !later) return says('inconclusive', NOT_REACHED, '', title)
  if (!later.proof) return says('fail', 'its state is gone', '', title)
  const differences = proofDifferences(proof, later.proof)
  if (differences.length > 0) return says('fail', `its state was written: ${differences.join(', ')}`, '', title)
  if (!later.plan) return says('inconclusive', `its plan failed: ${later.planError ?? ''}`, '', title)
  if (!later.plan.empty) {
    const changes = later.plan.changes.map(({ action, address }) => `${action} ${address}`).join(', ') || 'outputs'
    return says('fail', `its state is as it was, but a plan would change something: ${changes}`, '', title)
  }
  return says(
    'pass',
    `${proof.resources} resources, serial ${proof.serial}, generation ${proof.generation}; the plan is empty`,
    '',
    title,
  )
}

function healthChecks(says: Says, { health, steadyState }: Facts): Check[] {
  if (!health) return [says('inconclusive', NOT_REACHED)]
  const twice = duplicates(steadyState?.pods ?? [], health.pods, health.findings)
  const unwell = Object.entries(health.applications).filter(([, state]) => state !== 'Synced Healthy')
  const names = Object.keys(health.applications)
  const ready = health.pods.filter(pod => pod.ready).length
  return [
    healthCheck(
      (outcome, text) => says(outcome, text, '/pods', `Every pod healthy`),
      health,
      'fail',
      `${ready} of ${health.pods.length} pods ready`,
    ),
    twice.length > 0
      ? says('fail', twice.join('; '), '/duplicates', 'No duplicates')
      : says('pass', `${health.pods.length} pods, as before`, '/duplicates', 'No duplicates'),
    names.length > 0 && unwell.length === 0
      ? says('pass', names.join(', '), '/applications', 'Application Synced and Healthy')
      : says(
          'fail',
          unwell.map(([name, state]) => `${name} is ${state}`).join('; ') || 'there is none',
          '/applications',
          'Application Synced and Healthy',
        ),
  ]
}

function healthCheck(says: Says, { verdict, findings, pods }: Health, otherwise: Verdict, text = `${pods.length} pods`): Check {
  if (verdict === 'healthy') return says('pass', text)
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors.length > 0 ? errors : findings
  const more = Math.max(errors.length, 1) - 1
  return says(
    otherwise,
    `${verdict}${first ? `: ${first.object}: ${first.message}` : ''}${more > 0 ? `, and ${more} more` : ''}`,
  )
}

function snapshotCheck(says: Says, layer: string, { snapshot }: Facts, wanted: Targets): Check {
  const title = `Snapshot after ${layer}`
  if (snapshot === undefined) return says('inconclusive', NOT_REACHED, '', title)
  if (snapshot === null) return says('fail', 'there is none of the state that was applied', '', title)
  const faults = snapshotFaults(snapshot, { ...wanted, layer })
  return faults.length > 0
    ? says('fail', `${snapshot.name} ${faults.join(', ')}`, '', title)
    : says('pass', `${snapshot.name}, ${snapshot.status}`, '', title)
}

const copyOf = (place: { kind: string; claim?: string }, { dumps = [] }: Facts): string | undefined =>
  dumps.find(({ claim, holdsMarker }) => place.kind === 'volume' && claim === place.claim && holdsMarker)?.path
