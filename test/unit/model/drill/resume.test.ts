import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runsSince, unfinished } from '../../../../lib/model/drill/resume.ts'
import { scenarioOf } from '../../../../lib/phases/drill/scenarios.ts'
import { concluded as concludedOf, journalOf, passedFacts } from './passed.ts'

const facts = passedFacts()
const conclusion = concludedOf(facts)

const resume = suite('unfinished')
for (const [why, journal, expected] of [
  ['there was no drill', undefined, undefined],
  ['a journal that knows nothing of a drill', journalOf({}), undefined],
  ['a scenario that is not known any more', journalOf({ ...facts, drill: { ...facts.drill, scenario: 'flood' } }), undefined],
  ['a drill with a verdict', journalOf({ ...facts, conclusion }), undefined],
  ['a drill that has destroyed something', journalOf(facts), 'resume'],
  [
    'one that was killed at the first thing to destroy',
    journalOf({ ...facts, begun: { '02-argocd-app/destroyed': '2025-11-01T14:00:40Z' } }),
    'resume',
  ],
  ['one that ended before that', journalOf({ ...facts, begun: { 'markers/written': '2025-11-01T14:00:10Z' } }), 'close'],
  ['one that had hardly begun', journalOf({ drill: facts.drill }), 'close'],
] as const) {
  resume(why, () => assert.is(unfinished(journal, scenarioOf(journal)), expected))
}

const up = { id: '20251101-150000-prod-up-9', verb: 'up', operator: 'bob@far' }
const aborted = { at: '2025-11-01T14:03:00Z', operator: 'ann@desk' }
const unharmed = { 'markers/written': '2025-11-01T14:00:10Z' }
for (const [why, journal, others, expected] of [
  ['it has destroyed something, and an `up` came after it', journalOf(facts), [up], 'abort'],
  ['it has destroyed something, and its abort was killed', journalOf({ ...facts, aborted }), [], 'abort'],
  ['it has destroyed nothing, whatever came after it', journalOf({ ...facts, begun: unharmed }), [up], 'close'],
  ['it has destroyed nothing, and its abort was killed', journalOf({ ...facts, begun: unharmed, aborted }), [], 'close'],
  ['it was aborted to the end', journalOf({ ...facts, aborted, conclusion }), [up], undefined],
] as const) {
  resume(why, () => assert.is(unfinished(journal, scenarioOf(journal), others), expected))
}
resume.run()

const since = suite('runsSince')
const drill = journalOf(facts)
const [before = ''] = facts.runs
since('neither those before it nor itself', () => {
  assert.equal(runsSince(drill, [{ ...up, id: before }, drill]), [])
})
since('one that began after it, whatever the clock of its machine said', () => {
  for (const id of [up.id, '20251101-110000-prod-up-9']) assert.equal(runsSince(drill, [{ ...up, id }]), [{ ...up, id }])
})
since('of a drill that does not know what was before it, none', () => {
  const { runs: _none, ...rest } = facts
  assert.equal(runsSince(journalOf(rest), [up]), [])
})
since.run()
