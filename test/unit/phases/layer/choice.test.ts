import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { chosenLayers } from '../../../../lib/phases/layer/choice.ts'
import type { Terraform } from '../../../../lib/terraform/terraform.ts'
import { failureOf } from '../../support/layers.ts'

const context = { terraform: { layers: ['00-vpc', '01-k8s', '02-argocd-app', '03-extras'] } as unknown as Terraform }

const choices = suite('chosenLayers')
for (const [why, names, order, expected] of [
  ['all, to apply', [], 'apply', ['00-vpc', '01-k8s', '02-argocd-app', '03-extras']],
  ['all, to destroy', [], 'destroy', ['03-extras', '02-argocd-app', '01-k8s', '00-vpc']],
  [
    'those named, in their order and not that of the command line',
    ['02-argocd-app', '00-vpc'],
    'apply',
    ['00-vpc', '02-argocd-app'],
  ],
  ['those named, the highest first', ['01-k8s', '03-extras'], 'destroy', ['03-extras', '01-k8s']],
] as [string, string[], 'apply' | 'destroy', string[]][]) {
  choices(why, () => {
    const named = [...names]
    assert.equal(chosenLayers(named, context, order), expected)
    assert.equal(named, names)
  })
}
choices('to apply, unless told', () => {
  assert.is(chosenLayers([], context)[0], '00-vpc')
})
choices('a name that is none is a mistake; each is named, with those that there are', async () => {
  const { code, message, hint } = await failureOf((async () => chosenLayers(['00-vpc', '01', 'k8s'], context))())
  assert.is(code, 2)
  assert.is(message, 'no such layer: 01, k8s')
  assert.match(hint, '00-vpc, 01-k8s, 02-argocd-app, 03-extras')
})
choices('the layers stay as they are', () => {
  chosenLayers([], context, 'destroy')
  assert.is(context.terraform.layers[0], '00-vpc')
})
choices.run()
