import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DrillFacts } from '../../../../lib/model/drill/facts.ts'
import { judgeDone } from '../../../../lib/model/drill/judge/done.ts'
import type { PhaseRecord } from '../../../../lib/runtime/journal.ts'
import { after, concluded as concludedOf, passedFacts, passedRecords, proof, rebuild } from './passed.ts'

const judge = (change: Partial<DrillFacts> = {}, records: PhaseRecord[] = passedRecords()) =>
  concludedOf({ ...passedFacts(), ...change }, records)
const { health, loss, steadyState, comparisons, found } = passedFacts()
const error = { rule: 'pod/image', severity: 'error' as const, object: 'threads/Pod/nextjs-1', message: 'ImagePullBackOff' }
const compared = (id: string, change: object): Partial<DrillFacts> => ({
  comparisons: { ...comparisons, [id]: { ...comparisons[id], ...change } as DrillFacts['comparisons'][string] },
})
/** A step that its check found done already. */
const skipped = (id: string): PhaseRecord[] =>
  passedRecords().map(record => (record.id === id ? { ...record, status: 'skipped' as const } : record))
const notBegun = (id: string): Partial<DrillFacts> => {
  const { [id]: _gone, ...begun } = passedFacts().begun
  return { begun }
}
const PERIODS = ['00-vpc/untouched', '00-vpc/untouched-at-end']

const pass = suite('a drill passes')
pass('when everything was shown', () => {
  const { verdict, reasons, checks, rto, rpo } = judge()
  assert.is(verdict, 'pass', reasons.join('\n'))
  assert.equal(reasons, [])
  assert.ok(checks.every(({ outcome, says }) => outcome === 'pass' && says !== ''))
  assert.ok(rto && rpo)
})
pass('when a killed run had finished a step that the next one found done', () =>
  assert.is(judge({}, skipped('01-k8s/applied')).verdict, 'pass'),
)
pass('when data is lost that was expected to be', () => {
  const markers = passedFacts().markers.map(marker => ({ ...marker, expected: 'lost' as const, because: 'it goes' }))
  const { verdict, rpo } = judge({ markers, found: { ...found, 'volume threads/postgres': { state: 'absent' } } })
  assert.is(verdict, 'pass')
  assert.is(rpo?.ms, null)
})
pass.run()

const fails = suite('a drill fails')
for (const [why, change, because] of [
  ['a marker is gone', { found: { ...found, disk: { state: 'absent' } } }, 'Marker disk: lost, but should have been kept'],
  [
    'a marker has another value',
    { found: { ...found, disk: { state: 'present', value: 'zz' } } },
    'Marker disk: there, but with another value',
  ],
  ...PERIODS.flatMap(id => [
    [
      `${id}: the state was written`,
      compared(id, { proof: { ...proof, generation: '8', serial: 13 } }),
      'its state was written: generation 7 → 8, serial 12 → 13',
    ],
    [`${id}: the state is gone`, compared(id, { proof: null, plan: null }), 'its state is gone'],
    [
      `${id}: the state is the same, what it describes is not`,
      compared(id, { plan: { empty: false, changes: [{ action: 'update', address: 'google_compute_instance.vm' }] } }),
      'update google_compute_instance.vm',
    ],
  ]),
  ['verify overlooked the loss', { loss: { ...loss, verdict: 'healthy' } }, 'verify calls the destroyed system healthy'],
  [
    'a pod never became healthy',
    { health: { ...health, verdict: 'unhealthy', findings: [error, error] } },
    'Every pod healthy: unhealthy: threads/Pod/nextjs-1: ImagePullBackOff, and 1 more',
  ],
  [
    'a pod is there twice',
    { health: { ...health, pods: [...health.pods, ...health.pods] } },
    'No duplicates: threads has 4 pods, up from 2',
  ],
  [
    'the Application is out of sync',
    { health: { ...health, applications: { 'argocd/threads': 'OutOfSync Healthy' } } },
    'argocd/threads is OutOfSync Healthy',
  ],
  [
    'there is no Application',
    { health: { ...health, applications: {} } },
    'Application Synced and Healthy: there is no Application',
  ],
  [
    'there is no snapshot',
    { snapshots: { '01-k8s': null } },
    'Snapshot after 01-k8s: no snapshot of the state that was applied',
  ],
  [
    'the snapshot failed',
    { snapshots: { '01-k8s': { ...passedFacts().snapshots['01-k8s'], status: 'FAILED' } } },
    'is FAILED, not READY',
  ],
] as [string, Partial<DrillFacts>, string][]) {
  fails(why, () => {
    const { verdict, reasons } = judge(change)
    assert.is(verdict, 'fail')
    assert.match(reasons.join('\n'), because)
  })
}
fails('even when something else is unknown', () =>
  assert.is(judge({ found: { ...found, disk: { state: 'absent' } }, snapshots: undefined as never }).verdict, 'fail'),
)
fails.run()

const open = suite('a drill is inconclusive')
for (const [why, change, records] of [
  [
    'nothing was done',
    {
      steadyState: undefined,
      begun: {},
      markers: [],
      comparisons: {},
      loss: undefined,
      health: undefined,
      snapshots: undefined,
    },
    [],
  ],
  ['it was not healthy before', { steadyState: { ...steadyState, verdict: 'unhealthy', findings: [error] } }, passedRecords()],
  ['a layer was destroyed by somebody else', notBegun('01-k8s/destroyed'), skipped('01-k8s/destroyed')],
  ['a layer was applied by somebody else', notBegun('01-k8s/applied'), skipped('01-k8s/applied')],
  ['the snapshot was taken by somebody else', notBegun('01-k8s/snapshot'), skipped('01-k8s/snapshot')],
  ['the loss was never looked for', { loss: undefined }, passedRecords()],
  ['the health was never judged', { health: undefined }, passedRecords()],
  ['the snapshot was never judged', { snapshots: undefined }, passedRecords()],
  ['there are no markers', { markers: [] }, passedRecords()],
  ['the markers were never read', { found: {} }, passedRecords()],
  ['a marker could not be read', { found: { ...found, disk: { state: 'unreadable', why: 'no route' } } }, passedRecords()],
  ['00-vpc was never proven', { proof: undefined }, passedRecords()],
  ['00-vpc was not looked at again', { comparisons: {} }, passedRecords()],
  ['00-vpc could not be planned', compared('00-vpc/untouched', { plan: null, planError: 'no token' }), passedRecords()],
  ['it was aborted', { aborted: { at: after(60), operator: 'ann@desk' } }, passedRecords()],
  [
    'it was aborted after something had failed',
    { aborted: { at: after(60), operator: 'ann@desk' }, snapshots: { '01-k8s': null } },
    passedRecords(),
  ],
] as [string, Partial<DrillFacts>, PhaseRecord[]][]) {
  open(why, () => {
    const { verdict, reasons } = judge(change, records)
    assert.is(verdict, 'inconclusive')
    assert.ok(reasons.length > 0)
  })
}
open('a step that was never finished is not passed', () => {
  for (const { id } of rebuild.steps.filter(step => step.judge === judgeDone)) {
    const records = passedRecords().filter(record => record.id !== id)
    assert.is(judge({}, records).verdict, 'inconclusive', id)
  }
})
open.run()
