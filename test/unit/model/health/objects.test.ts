import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { controllerOf, isLive, nameOf, type Selector, selects } from '../../../../lib/model/health/objects.ts'
import { ago, node, ownedBy, pod } from '../../support/kubernetes.ts'

const LABELS = { app: 'nextjs', tier: 'web' }
const expression = (key: string, operator: string, ...values: string[]): Selector => ({
  matchExpressions: [{ key, operator, values }],
})

const selectors = suite('selects')
for (const [why, selector, expected] of [
  ['all labels', { matchLabels: LABELS }, true],
  ['one label', { matchLabels: { app: 'nextjs' } }, true],
  ['another value', { matchLabels: { app: 'other' } }, false],
  ['a label that is missing', { matchLabels: { app: 'nextjs', zone: 'b' } }, false],
  ['an empty selector', {}, false],
  ['no selector', undefined, false],
  ['In', expression('app', 'In', 'other', 'nextjs'), true],
  ['not In', expression('app', 'In', 'other'), false],
  ['In, without the label', expression('zone', 'In', 'b'), false],
  ['NotIn', expression('app', 'NotIn', 'other'), true],
  ['not NotIn', expression('app', 'NotIn', 'nextjs'), false],
  ['NotIn, without the label', expression('zone', 'NotIn', 'b'), true],
  ['Exists', expression('app', 'Exists'), true],
  ['not Exists', expression('zone', 'Exists'), false],
  ['DoesNotExist', expression('zone', 'DoesNotExist'), true],
  ['not DoesNotExist', expression('app', 'DoesNotExist'), false],
  ['labels and expressions, one of them wrong', { matchLabels: LABELS, ...expression('app', 'NotIn', 'nextjs') }, false],
] as [string, Selector | undefined, boolean][]) {
  selectors(why, () => assert.is(selects(selector, LABELS), expected))
}
selectors('an object without labels', () => assert.is(selects({ matchLabels: LABELS }, undefined), false))
selectors.run()

const objects = suite('objects')
objects('names', () => assert.equal([nameOf('Pod', pod()), nameOf('Node', node())], ['threads/Pod/nextjs-5d8f-x', 'Node/vm']))
for (const [why, change, expected] of [
  ['runs', {}, true],
  ['is made', { status: { phase: 'Pending' } }, true],
  ['has ended', { status: { phase: 'Succeeded' } }, false],
  ['has failed', { status: { phase: 'Failed' } }, false],
  ['is being deleted', { metadata: { deletionTimestamp: ago(0) } }, false],
] as const) {
  objects(`a pod that ${why} is ${expected ? '' : 'not '}live`, () => assert.is(isLive(pod(change)), expected))
}
objects('of several owners one is the controller', () => {
  const [controller] = ownedBy('ReplicaSet', 'a').ownerReferences
  const owners = [{ kind: 'Node', name: 'vm', uid: 'x' }, controller]
  assert.is(controllerOf(pod({ metadata: { ownerReferences: owners as never } }))?.name, 'a')
  assert.is(controllerOf(pod({ metadata: { ownerReferences: undefined } })), undefined)
})
objects.run()
