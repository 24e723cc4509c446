import { type Check, check, NOT_REACHED, type Verdict } from '../check.ts'
import type { Health } from '../facts.ts'
import { duplicates } from '../pods.ts'
import type { Judge, Step } from '../step.ts'

/** If the system was not healthy before the drill, it proves nothing that it is not healthy afterwards. */
export const judgeSteadyState: Judge = ({ facts: { steadyState } }, step) => [
  steadyState ? healthCheck(step, steadyState, 'inconclusive') : check(step, 'inconclusive', NOT_REACHED),
]

/** A loss that `verify` does not see would go unnoticed in a real disaster. */
export const judgeLoss: Judge = ({ facts: { loss } }, step) => {
  if (!loss) return [check(step, 'inconclusive', NOT_REACHED)]
  return loss.verdict === 'healthy'
    ? [check(step, 'fail', 'verify calls the destroyed system healthy')]
    : [check(step, 'pass', `${loss.verdict}, with ${loss.findings.length} findings`)]
}

/** At the end: every pod healthy, no duplicates, the Applications Synced and Healthy. */
export const judgeHealth: Judge = ({ facts: { health, steadyState } }, step) => {
  if (!health) return [check(step, 'inconclusive', NOT_REACHED)]
  const twice = duplicates(steadyState?.pods ?? [], health.pods, health.findings)
  const unwell = Object.entries(health.applications).filter(([, state]) => state !== 'Synced Healthy')
  const names = Object.keys(health.applications)
  const ready = health.pods.filter(pod => pod.ready).length
  const part = { id: 'applications', title: 'Application Synced and Healthy' }
  return [
    healthCheck(step, health, 'fail', {
      part: { id: 'pods', title: 'Every pod healthy' },
      text: `${ready} of ${health.pods.length} pods ready`,
    }),
    check(
      step,
      twice.length > 0 ? 'fail' : 'pass',
      twice.length > 0 ? twice.join('; ') : `${health.pods.length} pods, as before`,
      { id: 'duplicates', title: 'No duplicates' },
    ),
    names.length > 0 && unwell.length === 0
      ? check(step, 'pass', names.join(', '), part)
      : check(step, 'fail', unwell.map(([name, state]) => `${name} is ${state}`).join('; ') || 'there is no Application', part),
  ]
}

function healthCheck(
  step: Pick<Step, 'id' | 'title'>,
  { verdict, findings, pods }: Health,
  otherwise: Verdict,
  { part = {}, text = `${pods.length} pods` }: { part?: { id?: string; title?: string }; text?: string } = {},
): Check {
  if (verdict === 'healthy') return check(step, 'pass', text, part)
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors.length > 0 ? errors : findings
  const more = Math.max(errors.length, 1) - 1
  const cause = first ? `: ${first.object}: ${first.message}` : ''
  return check(step, otherwise, `${verdict}${cause}${more > 0 ? `, and ${more} more` : ''}`, part)
}
