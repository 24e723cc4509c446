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

const layers = ['02-argocd-app', '00-vpc', '01-k8s']

const order = suite('layer order')
order('is that of the numbers', () => assert.equal(applyOrder(layers), ['00-vpc', '01-k8s', '02-argocd-app']))
order('is reversed to destroy', () => assert.equal(destroyOrder(layers), ['02-argocd-app', '01-k8s', '00-vpc']))
order('leaves its input alone', () => {
  destroyOrder(layers)
  assert.is(layers[0], '02-argocd-app')
})
for (const [layer, expected] of [
  ['00-vpc', false],
  ['01-k8s', true],
  ['02-argocd-app', true],
] as const) {
  order(`${layer} ${expected ? 'needs' : 'does not need'} the cluster`, () => assert.is(needsCluster(layer, layers), expected))
}
order.run()

const neighbours = suite('layersBelow and layersAbove')
for (const [layer, below, above] of [
  ['00-vpc', [], ['02-argocd-app', '01-k8s']],
  ['01-k8s', ['00-vpc'], ['02-argocd-app']],
  ['02-argocd-app', ['00-vpc', '01-k8s'], []],
] as const) {
  neighbours(`of ${layer}`, () => assert.equal([layersBelow(layer, layers), layersAbove(layer, layers)], [below, above]))
}
neighbours('of a layer that is none of them', () =>
  assert.equal([layersBelow('01-other', layers), layersAbove('01-other', layers)], [['00-vpc', '01-k8s'], ['02-argocd-app']]),
)
neighbours.run()

const edges = suite('contradictions')
for (const [why, layer, reads, expected] of [
  ['a lower layer may be read', '01-k8s', ['00-vpc'], 0],
  ['a higher layer may not', '00-vpc', ['01-k8s'], 1],
  ['nor itself', '01-k8s', ['01-k8s'], 1],
] as const) {
  edges(why, () => assert.is(contradictions([{ layer, reads: [...reads] }]).length, expected))
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
