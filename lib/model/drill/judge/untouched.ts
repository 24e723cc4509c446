import { check, NOT_REACHED } from '../check.ts'
import { proofDifferences } from '../proof.ts'
import type { Judge } from '../step.ts'

/** A layer below the disruption was not written, and a plan of it is empty. @param moment when it was compared, for people */
export const judgeUntouched =
  (layer: string, moment: string): Judge =>
  ({ facts: { proof, comparisons = {} } }, step) => {
    const part = { title: `${layer} untouched ${moment}` }
    const later = comparisons[step.id]
    if (!proof || !later) return [check(step, 'inconclusive', NOT_REACHED, part)]
    if (!later.proof) return [check(step, 'fail', 'its state is gone', part)]
    const differences = proofDifferences(proof, later.proof)
    if (differences.length > 0) return [check(step, 'fail', `its state was written: ${differences.join(', ')}`, part)]
    if (!later.plan) return [check(step, 'inconclusive', `its plan failed: ${later.planError ?? ''}`, part)]
    if (!later.plan.empty) {
      const changes = later.plan.changes.map(({ action, address }) => `${action} ${address}`).join(', ') || 'outputs'
      return [check(step, 'fail', `its state is the same, but a plan would change something: ${changes}`, part)]
    }
    const { resources, serial, generation } = proof
    return [check(step, 'pass', `${resources} resources, serial ${serial}, generation ${generation}; the plan is empty`, part)]
  }
