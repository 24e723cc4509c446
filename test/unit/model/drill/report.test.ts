import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DrillReport, reportOf } from '../../../../lib/model/drill/report.ts'
import type { PhaseRecord } from '../../../../lib/runtime/journal.ts'
import { after, concluded as concludedOf, journalOf, passedFacts, passedRecords, proof, rebuild } from './passed.ts'

const facts = passedFacts()
const conclusion = concludedOf(facts)
const concluded = { ...facts, conclusion }

const report = suite('reportOf')
report("another verb's journal has none", () => assert.is(reportOf(journalOf({}), rebuild), undefined))
report('a drill that passed', () => {
  const found = reportOf(journalOf(concluded), rebuild) as DrillReport
  assert.is(found.verdict, 'pass')
  assert.is(found.endedAt, after(170))
  assert.equal(found.rto, conclusion.rto)
  assert.equal(found.snapshot, { name: 'threads-prod-vm-01-k8s-20251101-130000', ageMs: 3_640_000 })
  assert.equal(found.proof?.moments, ['after the destruction', 'at the end'])
  assert.equal(
    found.proof?.rows.find(({ name }) => name === 'resources'),
    {
      name: 'resources',
      before: String(proof.resources),
      later: ['27', '27'],
      same: true,
    },
  )
  assert.equal(
    found.markers.map(({ check }) => check?.outcome),
    ['pass', 'pass'],
  )
})
report('what was concluded stands, whatever the rules say today', () =>
  assert.is(reportOf(journalOf({ ...facts, snapshots: { '01-k8s': null }, conclusion }), rebuild)?.verdict, 'pass'),
)
report('one without a conclusion is unfinished, and says what is not shown yet', () => {
  const found = reportOf(journalOf(facts, passedRecords().slice(0, 6)), rebuild)
  assert.is(found?.verdict, 'unfinished')
  assert.is(found?.endedAt, undefined)
  assert.is(found?.rto, null)
  assert.ok(found?.reasons.includes('01-k8s applied: not reached'))
})
report.run()

const timeline = suite('timeline')
const bars = (found: DrillReport['timeline']) =>
  found.bars.map(({ id, status, from, ms }) => [id, status, from / 1000, ms / 1000])
timeline('every step where it was, and the milestones', () => {
  const found = reportOf(journalOf(concluded), rebuild)?.timeline
  assert.is(found?.bars.length, rebuild.steps.length)
  assert.equal(found && bars(found)[4], ['02-argocd-app/destroyed', 'done', 40, 8])
  assert.is(found?.ms, 158_000)
  assert.is(found?.disruptedAt, 40_000)
  assert.is(found?.healthyAt, 118_000)
  assert.equal(found?.breaks, [])
})

/** The first run was killed in the sixth step, two seconds after it began; the second one came a thousand seconds later. */
const killed = (): { records: PhaseRecord[]; attempts: typeof facts.attempts } => ({
  records: [
    ...passedRecords().slice(0, 5),
    ...passedRecords()
      .slice(0, 6)
      .map((record, index) => ({
        ...record,
        startedAt: after(1050 + index),
        ms: index < 5 ? 0 : 8000,
        status: index < 5 ? ('skipped' as const) : ('done' as const),
      })),
  ],
  attempts: [
    { startedAt: after(0), operator: 'a' },
    { startedAt: after(1050), operator: 'a' },
  ],
})
timeline('a kill is a bar of its own, and the pause takes no room', () => {
  const { records, attempts } = killed()
  const begun = { '02-argocd-app/destroyed': after(40), '01-k8s/destroyed': after(50) }
  const found = reportOf(journalOf({ ...facts, attempts, begun }, records), rebuild)?.timeline
  assert.equal(found && bars(found).slice(4), [
    ['02-argocd-app/destroyed', 'done', 40, 8],
    ['01-k8s/destroyed', 'killed', 50, 0],
    ['01-k8s/destroyed', 'done', 55, 8],
  ])
  assert.equal(found?.breaks, [{ at: 50_000, ms: 1_000_000 }])
})
timeline('a step that was interrupted is there twice', () => {
  const [first] = passedRecords()
  const records: PhaseRecord[] = [
    { ...(first as PhaseRecord), status: 'interrupted', ms: 1000 },
    { ...(first as PhaseRecord), startedAt: after(105) },
  ]
  const attempts = [
    { startedAt: after(0), endedAt: after(2), operator: 'a' },
    { startedAt: after(102), operator: 'a' },
  ]
  const found = reportOf(journalOf({ ...facts, attempts, begun: {} }, records), rebuild)?.timeline
  assert.equal(found && bars(found), [
    ['steady-state', 'interrupted', 0, 1],
    ['steady-state', 'done', 5, 8],
  ])
})
timeline.run()
