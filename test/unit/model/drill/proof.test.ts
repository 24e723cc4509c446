import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type LayerProof, proofDifferences, proofOf, proofRows } from '../../../../lib/model/drill/proof.ts'
import { proof } from './passed.ts'

const state = (resources: unknown[]) => JSON.stringify({ version: 4, serial: 12, lineage: 'ab-cd', outputs: {}, resources })
const vm = { mode: 'managed', type: 'google_compute_instance', name: 'vm', instances: [{ attributes: { id: 'vm-1' } }] }

const taken = suite('proofOf')
taken('no state object', () => assert.is(proofOf(undefined), undefined))
taken('a state that is empty, as init and destroy leave it', () =>
  assert.is(proofOf({ content: state([]), generation: '1', md5: 'm' }), undefined),
)
taken('an applied layer', () => {
  const { resourceSet, ...rest } = proofOf({ content: state([vm]), generation: '7', md5: 'm' }) as LayerProof
  assert.equal(rest, { generation: '7', md5: 'm', serial: 12, lineage: 'ab-cd', resources: 1 })
  assert.match(resourceSet, /^[0-9a-f]{64}$/)
})
taken.run()

const compared = suite('proofDifferences')
for (const [why, after, expected] of [
  ['untouched', {}, []],
  ['the same state written again', { generation: '8' }, ['generation 7 → 8']],
  ['another content', { generation: '8', md5: 'y' }, ['generation 7 → 8', 'MD5 differs']],
  ['applied', { serial: 13 }, ['serial 12 → 13']],
  ['made from nothing', { lineage: 'ef' }, ['lineage ab-cd → ef']],
  ['one resource less', { resources: 26, resourceSet: 'beef' }, ['resources 27 → 26', 'resource set differs']],
  ['a resource replaced by another of its kind', { resourceSet: 'beef' }, ['resource set differs']],
] as const) {
  compared(why, () => assert.equal(proofDifferences(proof, { ...proof, ...after }), expected))
}
compared.run()

const rows = suite('proofRows')
rows('a fact that differs later on is not the same', () => {
  const found = proofRows(proof, [proof, { ...proof, serial: 13 }])
  assert.equal(
    found.filter(({ same }) => !same),
    [{ name: 'serial', before: '12', later: ['12', '13'], same: false }],
  )
})
rows('a state that is gone is not the same', () => assert.ok(proofRows(proof, [null]).every(({ same }) => !same)))
rows.run()
