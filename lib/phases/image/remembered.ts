import { command } from '../../model/shell.ts'
import type { Context } from '../../operation/context.ts'
import { bumpSummary } from '../../report/hops.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import { checkPhase, type Phase } from '../../runtime/phases.ts'
import { type Bump, lastBump, type Rollout } from './rollout.ts'

/** Finds the bump that was pushed last, to follow it. */
export function remembered(rollout: Rollout): Phase<Pick<Context, 'environment' | 'log'>> {
  return checkPhase({
    id: 'image/remembered',
    title: 'The last bump',

    async check({ environment, log }) {
      const last = await lastBump(environment.name)
      if (!last) throw precondition('there is no bump in the journals', '`./taskw image:bump -- --service <name> --to patch`')
      if (!isPushed(last.bump) && !(await (await rollout.delivery.repository()).contains(last.bump.sha))) {
        const { service, to } = last.bump
        const again =
          to === ''
            ? command`\`./taskw image:bump -- --service ${service} --touch\``
            : command`\`./taskw image:bump -- --service ${service} --to ${to}\``
        throw precondition(`the run that should have pushed ${bumpSummary(last.bump)} ended before it did`, again)
      }
      await rollout.follow(last.bump, last.sightings)
      log.info(`${last.bump.service} ${bumpSummary(last.bump)}, pushed ${last.bump.pushed.at}`)
      return { state: 'done', evidence: { ...last.bump, resumes: last.journal } as unknown as Json }
    },
  })
}

/** Without evidence, the run ended before it knew whether the push succeeded. */
const isPushed = ({ pushed }: Bump): boolean => pushed.evidence !== null
