import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { unfinished } from '../../../../lib/model/drill/resume.ts'
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
resume.run()
