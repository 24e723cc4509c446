import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stateFacts } from '../../../../lib/model/layer/state.ts'

const resource = (name: string, id: string, mode = 'managed') => ({
  mode,
  type: 't',
  name,
  instances: [{ attributes: { id } }],
})
const state = (resources: object[], outputs: object = {}, serial = 3) =>
  JSON.stringify({ version: 4, serial, lineage: 'l', outputs, resources })

const facts = suite('stateFacts')
facts('no state at all is not applied', () => assert.is(stateFacts('').applied, false))
facts('an empty state, as init writes it, is not applied', () => assert.is(stateFacts(state([])).applied, false))
facts('data sources are not resources', () => assert.is(stateFacts(state([resource('a', '1', 'data')])).resources, 0))
facts('outputs lose their wrapping', () => assert.equal(stateFacts(state([], { a: { value: 1 } })).outputs, { a: 1 }))
facts('the resource set does not depend on order', () => {
  const one = stateFacts(state([resource('a', '1'), resource('b', '2')]))
  const other = stateFacts(state([resource('b', '2'), resource('a', '1')], {}, 9))
  assert.is(one.resourceSet, other.resourceSet)
})
facts('another id is another resource set', () => {
  assert.is.not(stateFacts(state([resource('a', '1')])).resourceSet, stateFacts(state([resource('a', '2')])).resourceSet)
})
facts('a foreign format is refused', () => assert.throws(() => stateFacts('{"version":3}'), /format 3/))
facts.run()
