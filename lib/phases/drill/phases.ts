import { finished } from '../../model/drill/times.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { verified } from '../health/verified.ts'
import { layerApplied } from '../layer/applied.ts'
import { doctor } from '../operator/doctor.ts'
import { vmRunning } from '../vm/running.ts'
import type { Drill, DrillStep } from './step.ts'
import { cleanUp } from './steps/clean-up.ts'

/** A drill's phases. Those that are finished in its journal are not done again. */
export const drillPhases = (drill: Drill): Phase<Context>[] => [
  doctor(),
  ...(drill.resumed ? [vmRunning()] : []),
  ...drill.scenario.steps.map(step => phaseOf(step, drill)),
]

/** Brings the system back from wherever a drill has left it. */
export const abortPhases = (drill: Drill, { terraform, environment }: Context): Phase<Context>[] => {
  const [base = '', ...others] = terraform.layers
  const { id, title, work } = cleanUp()
  return [
    doctor(),
    layerApplied(base),
    vmRunning(),
    ...others.map(layer => layerApplied(layer)),
    verified({ within: environment.verify.deadline }),
    { id, title, ...work(drill) },
  ]
}

/** The beginning of a step is recorded before it does anything, since a run that is killed can't record it afterwards. */
function phaseOf({ id, title, stage, work }: DrillStep, drill: Drill): Phase<Context> {
  const inner = work(drill)
  return {
    id,
    title,
    async check(context) {
      const record = finished(drill.journal.phases, id)
      if (record) return { state: 'done', evidence: record.evidence ?? null }
      // Until everything is destroyed, the later steps would seem to be done already.
      const before = drill.scenario.steps.find(other => other.stage === 'disrupt' && !finished(drill.journal.phases, other.id))
      const early = before && stage !== 'prepare' && stage !== 'disrupt'
      return early ? { state: 'unknown', needs: before.title } : inner.check(context)
    },
    async run(context) {
      const { begun = {} } = drill.facts
      if (begun[id] === undefined) await drill.remember('begun', { ...begun, [id]: context.now().toISOString() })
      return inner.run(context)
    },
  }
}
