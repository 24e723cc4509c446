import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Stage } from '../../../../lib/model/drill/step.ts'
import { scenarioNamed, scenarioNames, scenarioOf } from '../../../../lib/phases/drill/scenarios.ts'
import { asOpsError } from '../../../../lib/runtime/errors.ts'

const STAGES: Stage[] = ['prepare', 'disrupt', 'detect', 'decide', 'restore', 'verify', 'judge']
const THREE = ['00-vpc', '01-k8s', '02-argocd-app']
const FOUR = [...THREE, '03-cloudflare']

const all = suite('scenarios')
for (const name of scenarioNames) {
  for (const layers of [['00-vpc'], THREE, FOUR]) {
    const { steps, name: own } = scenarioNamed(name, layers, ['01-k8s'])
    const idsOf = (stage: Stage) => steps.filter(step => step.stage === stage).map(({ id }) => id)
    all(`${name} over ${layers.length}: its steps have ids of their own`, () => {
      assert.is(own, name)
      assert.is(new Set(steps.map(({ id }) => id)).size, steps.length)
    })
    all(`${name} over ${layers.length}: the stages come in the order in which time is counted`, () => {
      const order = steps.map(({ stage }) => STAGES.indexOf(stage))
      assert.equal(
        order,
        order.toSorted((a, b) => a - b),
      )
    })
    all(`${name} over ${layers.length}: every layer but the base is destroyed from above and applied from below`, () => {
      const others = layers.slice(1)
      assert.equal(
        idsOf('disrupt'),
        others.toReversed().map(layer => `${layer}/destroyed`),
      )
      assert.equal(
        idsOf('restore').filter(id => id.endsWith('/applied')),
        others.map(layer => `${layer}/applied`),
      )
    })
  }
}
all('a snapshot is taken and judged after each layer after which the environment takes one, the base layer apart', () => {
  const { steps } = scenarioNamed('layer-rebuild', FOUR, ['00-vpc', '01-k8s', '03-cloudflare'])
  assert.equal(
    steps.map(({ id }) => id).filter(id => id.includes('snapshot')),
    ['01-k8s/snapshot', '03-cloudflare/snapshot', '01-k8s/snapshot-judged', '03-cloudflare/snapshot-judged'],
  )
})
all('a name that is none is refused', () => {
  try {
    scenarioNamed('flood', THREE, [])
    assert.unreachable()
  } catch (error) {
    assert.is(asOpsError(error).code, 2)
  }
})
all('a drill goes on over the layers that it began with', () => {
  const drill = { scenario: 'layer-rebuild', layers: THREE, snapshotsAfter: [], targets: {} }
  assert.not.ok(scenarioOf({ facts: { drill } })?.steps.some(({ id }) => id.startsWith('03-')))
})
all.run()
