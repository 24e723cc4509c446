import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  applyOrder,
  contradictions,
  destroyOrder,
  layersAbove,
  layersBelow,
  layersRead,
  needsCluster,
} from '../../../../lib/model/layer/order.ts'

/** Names of any kind: what counts is the list. */
const layers = ['network', '02-cluster', 'app']

const order = suite('layer order')
for (const [why, chosen, expected] of [
  ['all of them', layers, layers],
  ['some, named in whatever order', ['app', 'network'], ['network', 'app']],
  ['each once', ['app', 'app'], ['app']],
  ['none that is not there', ['app', 'other'], ['app']],
] as const) {
  order(`is that of the list: ${why}`, () => assert.equal(applyOrder(chosen, layers), [...expected]))
  order(`is reversed to destroy: ${why}`, () => assert.equal(destroyOrder(chosen, layers), [...expected].reverse()))
}
order('leaves its input alone', () => {
  destroyOrder(layers, layers)
  assert.is(layers[0], 'network')
})
for (const [layer, expected] of [
  ['network', false],
  ['02-cluster', true],
  ['app', true],
] as const) {
  order(`${layer} ${expected ? 'needs' : 'does not need'} the cluster`, () => assert.is(needsCluster(layer, layers), expected))
}
order.run()

const neighbours = suite('layersBelow and layersAbove')
for (const [layer, below, above] of [
  ['network', [], ['app', '02-cluster']],
  ['02-cluster', ['network'], ['app']],
  ['app', ['network', '02-cluster'], []],
  ['a layer that is none of them', [], []],
] as const) {
  neighbours(`of ${layer}`, () => assert.equal([layersBelow(layer, layers), layersAbove(layer, layers)], [below, above]))
}
neighbours.run()

const edges = suite('contradictions')
for (const [why, layer, reads, expected] of [
  ['a lower layer may be read', '02-cluster', ['network'], 0],
  ['and one far below', 'app', ['network'], 0],
  ['a higher layer may not', '02-cluster', ['app'], 1],
  ['nor itself', '02-cluster', ['02-cluster'], 1],
] as const) {
  edges(why, () => assert.is(contradictions([{ layer, reads: [...reads] }], layers).length, expected))
}
edges.run()

const kept = new Map([
  ['00-vpc', 'b/00-vpc/state/default.tfstate'],
  ['01-k8s', 'b/elsewhere/default.tfstate'],
])
const readers = suite('layersRead')
for (const [what, read, expected] of [
  ['a layer by its prefix', 'b/00-vpc/state/default.tfstate', ['00-vpc']],
  ['by the prefix that it has, whatever its name', 'b/elsewhere/default.tfstate', ['01-k8s']],
  ['nothing of another bucket', 'c/00-vpc/state/default.tfstate', []],
  ['nothing that is no layer', 'b/09-other/state/default.tfstate', []],
] as const) {
  readers(what, () => assert.equal(layersRead([read], kept), expected))
}
readers.run()
