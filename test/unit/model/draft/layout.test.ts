import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isNumbered, layoutOf } from '../../../../lib/model/draft/layout.ts'

const LAYERS = ['00-vpc', '01-k8s', '02-app']
const below = (layers: string[], ...roots: string[]) => layers.flatMap(layer => roots.map(root => `${layer}/${root}`))

const layouts = suite('the layout of a tree')
const cases: [string, string[], object, string?][] = [
  ['roots by environment', below(LAYERS, 'envs/prod'), { root: 'envs/{env}', layers: LAYERS, others: [] }],
  ['modules are no roots', ['modules/vpc', 'modules/vpc/modules/net', ...below(LAYERS, 'envs/prod')], { layers: LAYERS }],
  ['of several environments, the one that is asked for', below(LAYERS, 'envs/prod', 'envs/staging'), { root: 'envs/{env}' }],
  [
    'an environment that only has the other name',
    below(LAYERS, 'envs/production'),
    { root: 'envs/production', layers: LAYERS },
  ],
  ['the layers themselves', LAYERS, { root: '.', layers: LAYERS }],
  ['a layer that is a module of its roots', [...LAYERS, ...below(LAYERS, 'envs/prod')], { root: 'envs/{env}' }],
  ['the environment first', below(LAYERS, 'prod/root'), { root: '{env}/root' }],
  ['a layer that one environment has not', [...below(LAYERS, 'envs/prod'), '03-cdn/envs/staging'], { others: ['03-cdn'] }],
  ['the order of numbers', below(['10-c', '2-b', '1-a'], 'prod'), { layers: ['1-a', '2-b', '10-c'] }],
  ['those without a number last', below(['vpc', '00-base'], 'prod'), { layers: ['00-base', 'vpc'] }],
  ['two that are alike', below(LAYERS, 'envs/a', 'envs/b'), { roots: ['envs/a', 'envs/b'] }],
  ['one of them, when it is named', below(LAYERS, 'envs/a', 'envs/b'), { root: 'envs/a' }, 'envs/a'],
  ['one that is not there', below(LAYERS, 'envs/a'), { roots: ['envs/a'] }, 'envs/c'],
  ['modules alone', ['modules/vpc', '.terraform/modules/x'], { roots: [] }],
  ['the folder of the tree is no layer', ['', ...below(LAYERS, 'envs/prod')], { layers: LAYERS, others: [] }],
]
for (const [what, folders, expected, wanted] of cases) {
  layouts(what, () => {
    const found = layoutOf(folders, 'prod', wanted)
    assert.equal(Object.fromEntries(Object.entries(found).filter(([key]) => key in expected)), expected)
  })
}
layouts('whether names say the order', () => {
  assert.is(isNumbered(LAYERS), true)
  assert.is(isNumbered([...LAYERS, 'cdn']), false)
  assert.is(isNumbered(['01-a', '1-b']), false)
})
layouts.run()
