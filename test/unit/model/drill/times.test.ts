import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DrillFacts } from '../../../../lib/model/drill/facts.ts'
import { disruptedAt, finished, pausesOf, rpoOf, rtoOf } from '../../../../lib/model/drill/times.ts'
import type { PhaseRecord } from '../../../../lib/runtime/journal.ts'
import { after, passedFacts, passedRecords, rebuild } from './passed.ts'

const facts = (change: Partial<DrillFacts> = {}): Partial<DrillFacts> => ({ ...passedFacts(), ...change })
const without = (id: string): PhaseRecord[] => passedRecords().filter(record => record.id !== id)

const rto = suite('rtoOf')
rto('its parts add up to the whole', () => {
  const found = rtoOf(rebuild, facts(), passedRecords())
  // Destroyed from 40 to 58, seen at 68, repair from 80 to 108, healthy at 118.
  assert.equal(found, {
    ms: 78_000,
    detect: 28_000,
    destruction: 18_000,
    decide: 12_000,
    restore: 28_000,
    verify: 10_000,
    paused: 0,
  })
  if (found) assert.is(found.detect + found.decide + found.restore + found.verify, found.ms)
})
for (const [why, change, records] of [
  ['nothing was destroyed', { begun: {} }, passedRecords()],
  ['it is not healthy', { health: { ...passedFacts().health, verdict: 'unhealthy' as const } }, passedRecords()],
  ['nobody looked whether it is', { health: undefined }, passedRecords()],
  ['a layer was never applied', {}, without('02-argocd-app/applied')],
  ['a layer was not destroyed to the end', {}, without('01-k8s/destroyed')],
  ['the repair was not begun by the drill', { begun: { '01-k8s/destroyed': after(50) } }, passedRecords()],
] as const) {
  rto(`none when ${why}`, () => assert.is(rtoOf(rebuild, facts(change as Partial<DrillFacts>), records), undefined))
}
rto('a night in which nobody worked on it counts, and is reported', () => {
  const night = 8 * 3600
  const late = (record: PhaseRecord) => ({
    ...record,
    startedAt: new Date(Date.parse(record.startedAt) + night * 1000).toISOString(),
  })
  const records = passedRecords().map((record, index) => (index < 5 ? record : late(record)))
  const begun = Object.fromEntries(
    Object.entries(passedFacts().begun).map(([id, at], index) => [
      id,
      index < 5 ? at : new Date(Date.parse(at) + night * 1000).toISOString(),
    ]),
  )
  const attempts = [
    { startedAt: after(0), operator: 'a' },
    { startedAt: after(49 + night), operator: 'b' },
  ]
  const health = { ...passedFacts().health, at: after(118 + night) }
  const found = rtoOf(rebuild, facts({ begun, attempts, health }), records)
  assert.is(found?.ms, 78_000 + night * 1000)
  assert.is(found?.paused, night * 1000 + 1000)
})
rto.run()

const rpo = suite('rpoOf')
rpo('the oldest recovered marker counts', () => assert.is(rpoOf(rebuild, facts())?.ms, 28_000))
rpo('a store that is lost has none', () => {
  const found = rpoOf(rebuild, facts({ found: { ...passedFacts().found, 'volume threads/postgres': { state: 'absent' } } }))
  assert.is(found?.ms, null)
  assert.is(found?.says, `not recovered: volume threads/postgres; a copy of threads/postgres was taken at ${after(20)}`)
})
rpo('another value is no recovery', () => {
  const found = rpoOf(rebuild, facts({ found: { ...passedFacts().found, disk: { state: 'present', value: 'zz' } } }))
  assert.equal(found, { ms: null, says: 'not recovered: disk' })
})
for (const [why, change] of [
  ['without markers', { markers: [] }],
  ['before all are looked at', { found: { disk: { state: 'absent' as const } } }],
  ['without a disruption', { begun: {} }],
] as const) {
  rpo(`not known ${why}`, () => assert.is(rpoOf(rebuild, facts(change as Partial<DrillFacts>)), undefined))
}
rpo.run()

const others = suite('times')
others('the disruption begins with the first thing destroyed', () => {
  assert.is(disruptedAt(rebuild, passedFacts().begun), Date.parse(after(40)))
  assert.is(disruptedAt(rebuild, { 'markers/written': after(10) }), undefined)
})
others('an attempt that failed has not finished the step', () => {
  const [record] = passedRecords()
  if (!record) throw new Error('there is one')
  const failed: PhaseRecord = { ...record, status: 'failed' }
  assert.is(finished([failed], record.id), undefined)
  assert.is(finished([failed, record, { ...record, status: 'skipped' }], record.id), record)
})
others('a run that ended by itself pauses from its end on', () =>
  assert.equal(
    pausesOf(
      [
        { startedAt: after(0), endedAt: after(60), operator: 'a' },
        { startedAt: after(100), operator: 'a' },
      ],
      {},
      passedRecords(),
    ),
    [{ from: after(60), to: after(100) }],
  ),
)
others('a run that was killed pauses from the last thing that it wrote down', () => {
  const attempts = [
    { startedAt: after(0), operator: 'a' },
    { startedAt: after(57), operator: 'a' },
    { startedAt: after(300), operator: 'a' },
  ]
  assert.equal(pausesOf(attempts, { '01-k8s/destroyed': after(50) }, passedRecords().slice(0, 5)), [
    { from: after(50), to: after(57) },
    // It wrote down nothing at all.
    { from: after(57), to: after(300) },
  ])
})
others('one run has no pause', () => assert.equal(pausesOf(passedFacts().attempts, passedFacts().begun, passedRecords()), []))
others.run()
