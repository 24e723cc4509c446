import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Binding, bindingDifferences } from '../../../../lib/model/layer/binding.ts'

const planned: Binding = { layer: '00-vpc', environment: 'prod', lineage: 'l', serial: 3, gitSha: 'abc' }

const differences = suite('bindingDifferences')
for (const [why, now, expected] of [
  ['nothing has changed', {}, []],
  ['another layer', { layer: '01-k8s' }, ['the layer was 00-vpc and is 01-k8s']],
  ['another environment', { environment: 'lab' }, ['the environment was prod and is lab']],
  ['another tree’s state', { lineage: 'm' }, ["the state's lineage was l and is m"]],
  [
    'a state that is gone',
    { lineage: '', serial: 0 },
    ["the state's lineage was l and is (none)", "the state's serial was 3 and is 0"],
  ],
  ['a state that moved on', { serial: 4 }, ["the state's serial was 3 and is 4"]],
  ['another commit', { gitSha: 'def' }, ['the commit was abc and is def']],
] as const) {
  differences(why, () => assert.equal(bindingDifferences(planned, { ...planned, ...now }), expected))
}
differences.run()
