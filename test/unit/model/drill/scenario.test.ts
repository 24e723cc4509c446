import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scenarios } from '../../../../lib/model/drill/scenario.ts'

const STAGES = ['prepare', 'disrupt', 'detect', 'decide', 'restore', 'verify', 'judge']

const all = suite('scenarios')
for (const [name, { steps, name: own }] of Object.entries(scenarios)) {
  const of = (does: string) => steps.flatMap(step => (step.does === does && 'layer' in step ? [step.layer] : []))
  all(`${name}: its steps have ids of their own`, () => {
    assert.is(own, name)
    assert.is(new Set(steps.map(({ id }) => id)).size, steps.length)
  })
  all(`${name}: the stages come in the order in which time is counted`, () => {
    const order = steps.map(({ stage }) => STAGES.indexOf(stage))
    assert.equal(
      order,
      order.toSorted((a, b) => a - b),
    )
  })
  all(`${name}: what is destroyed from above is applied from below`, () => {
    assert.equal(of('destroy'), of('destroy').toSorted().reverse())
    assert.equal(of('apply'), of('destroy').toReversed())
  })
  all(`${name}: what must stay untouched is proven first`, () =>
    assert.ok(of('compare-proof').every(layer => of('take-proof').includes(layer))),
  )
}
all.run()
