import { precondition } from '../../../runtime/errors.ts'
import { takeProof } from '../proof.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Records the facts of a layer that must stay untouched, before anything is destroyed. */
export const proofTaken = (layer: string): DrillStep => ({
  stage: 'prepare',
  id: `${layer}/proof`,
  title: `Proof of ${layer} taken`,
  work: ({ remember }) =>
    alwaysDone(`take the proof of ${layer}`, async context => {
      const proof = await takeProof(layer, context)
      if (!proof) throw precondition(`layer ${layer} has no state to take a proof of`, '`./taskw up` first')
      await remember('proof', proof)
      context.log.info(`  ${layer}: ${proof.resources} resources, serial ${proof.serial}, generation ${proof.generation}`)
      return { ...proof }
    }),
})
