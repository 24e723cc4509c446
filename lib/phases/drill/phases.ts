import { finished } from '../../model/drill/times.ts'
import type { Context } from '../../operation/context.ts'
import { type OpsError, precondition } from '../../runtime/errors.ts'
import type { Phase } from '../../runtime/phases.ts'
import { broughtUp } from '../brought-up.ts'
import { doctor } from '../operator/doctor.ts'
import { vmRunning } from '../vm/running.ts'
import { sshKey } from '../vm/ssh-key.ts'
import type { Drill, DrillStep } from './step.ts'
import { cleanUp } from './steps/clean-up.ts'

/** A drill's phases. Those that are finished in its journal are not done again. */
export const drillPhases = (drill: Drill): Phase<Context>[] => [
  doctor(),
  ...(drill.resumed ? [vmRunning()] : []),
  sshKey(),
  ...drill.scenario.steps.map(step => phaseOf(step, drill)),
]

/** Brings the system back from wherever a drill, and whoever came after it, has left it. */
export const abortPhases = (drill: Drill, context: Pick<Context, 'environment' | 'terraform'>): Phase<Context>[] => {
  const { id, title, work } = cleanUp()
  return [...broughtUp(context), { id, title, ...work(drill) }]
}

/** Whether a resumed drill has done all that comes before this step: what the step lacks, no step of the drill brings about. */
function isNext(id: string, { resumed, scenario, journal }: Drill): boolean {
  const next = scenario.steps.find(step => !finished(journal.phases, step.id))
  return resumed && next?.id === id
}

/** `up` would bring about even more of what is in the way. */
const overtaken = (title: string, needs: string): OpsError =>
  precondition(
    `"${title}" needs ${needs}: since this drill was stopped, something else has changed the system, such as \`up\``,
    '`./taskw dr-drill -- --abort` brings everything up and closes it; then begin a new one',
  )

/** A layer that the drill has destroyed and that is there again, though nothing has rebuilt it yet. */
async function broughtBack({ facts, resumed }: Drill, { terraform }: Pick<Context, 'terraform'>): Promise<string | undefined> {
  if (!resumed) return undefined
  for (const layer of facts.drill?.layers.slice(1) ?? []) {
    if ((await terraform.state(layer)).applied) return layer
  }
  return undefined
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
      if (early) return { state: 'unknown', needs: before.title }
      const back = stage === 'detect' || stage === 'decide' ? await broughtBack(drill, context) : undefined
      if (back !== undefined) return { state: 'refused', refusal: overtaken(title, `layer ${back} to be destroyed`) }
      const found = await inner.check(context)
      return found.state === 'unknown' && isNext(id, drill)
        ? { state: 'refused', refusal: overtaken(title, found.needs) }
        : found
    },
    async run(context) {
      const { begun = {} } = drill.facts
      if (begun[id] === undefined) await drill.remember('begun', { ...begun, [id]: context.now().toISOString() })
      return inner.run(context)
    },
  }
}
