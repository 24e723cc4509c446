import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { resourcesOf, stateFacts, stateObject } from '../../../../lib/model/layer/state.ts'

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

const instances = suite('resourcesOf')
const addressOf = (module: string | undefined, index_key: string | number | undefined) =>
  resourcesOf(state([{ mode: 'managed', module, type: 't', name: 'n', instances: [{ index_key, attributes: {} }] }]))[0]
    ?.address

for (const [module, key, expected] of [
  [undefined, undefined, 't.n'],
  ['module.a["x"].module.b', undefined, 'module.a["x"].module.b.t.n'],
  [undefined, 0, 't.n[0]'],
  [undefined, 'k', 't.n["k"]'],
  [undefined, 'a"b\\c', 't.n["a\\"b\\\\c"]'],
  [undefined, '$\u007bx}%{y}', 't.n["$$\u007bx}%%{y}"]'],
] as const) {
  instances(`addresses are Terraform's: ${expected}`, () => assert.is(addressOf(module, key), expected))
}
instances('no state has none', () => assert.equal(resourcesOf(''), []))
instances('data sources are none', () => assert.equal(resourcesOf(state([resource('a', '1', 'data')])), []))
instances('attributes come along, the sensitive ones masked', () => {
  const sensitive_attributes = [
    [{ type: 'get_attr', value: 'password' }],
    [
      { type: 'get_attr', value: 'list' },
      { type: 'index', value: { value: 1, type: 'number' } },
    ],
    [
      { type: 'get_attr', value: 'password' },
      { type: 'get_attr', value: 'below' },
    ],
  ]
  const attributes = { id: '1', password: 'x', list: ['a', 'b'] }
  const text = state([{ mode: 'managed', type: 't', name: 'n', instances: [{ attributes, sensitive_attributes }] }])
  assert.equal(resourcesOf(text), [
    {
      address: 't.n',
      type: 't',
      attributes: { id: '1', password: '(sensitive value)', list: ['a', '(sensitive value)'] },
    },
  ])
})
instances('an attribute that the state wraps is masked as a whole', () => {
  const sensitive_attributes = [['input', 'a'].map(value => ({ type: 'get_attr', value }))]
  const attributes = { input: { value: { a: 'x' }, type: 'dynamic' } }
  const text = state([{ mode: 'managed', type: 't', name: 'n', instances: [{ attributes, sensitive_attributes }] }])
  assert.equal(resourcesOf(text)[0]?.attributes, { input: '(sensitive value)' })
})
instances('what a replacement left behind says so', () => {
  const text = state([{ mode: 'managed', type: 't', name: 'n', instances: [{ deposed: '00000001', attributes: {} }] }])
  assert.is(resourcesOf(text)[0]?.deposed, '00000001')
})
instances.run()

const object = suite('stateObject')
for (const [prefix, expected] of [
  ['00-vpc/state', '00-vpc/state/default.tfstate'],
  ['/a//b/', 'a/b/default.tfstate'],
  ['', 'default.tfstate'],
] as const) {
  object(`of prefix "${prefix}"`, () => assert.is(stateObject(prefix), expected))
}
object.run()
