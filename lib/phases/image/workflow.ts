import { blocking, type Finding, verdictOf } from '../../model/health/finding.ts'
import { workflowFindings } from '../../model/image/workflow.ts'
import type { Context } from '../../operation/context.ts'
import { findingsText, plain } from '../../report/findings.ts'
import { unhealthy } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import { checkPhase, type Phase } from '../../runtime/phases.ts'
import type { BumpRequest } from './bumped.ts'
import { type DeliveryContext, openDelivery, serviceOf, workflowNeeds } from './delivery.ts'
import type { Rollout } from './rollout.ts'

/** What is wrong with the workflow at the head of the branch, or with another version of its text. */
export async function checkedWorkflow(context: DeliveryContext, text?: string): Promise<Finding[]> {
  const { settings, repository } = openDelivery(context)
  if (text !== undefined) return workflowFindings(text, workflowNeeds(settings))
  const clones = await repository()
  return clones.withClone(async clone => workflowFindings(await clone.read(settings.workflow), workflowNeeds(settings)))
}

/** Checks that the workflow builds what the nodes can run, before anything is pushed. */
export function workflowFit(rollout: Rollout, { service, touch = false, force }: BumpRequest): Phase<Pick<Context, 'log'>> {
  return checkPhase({
    id: 'image/workflow',
    title: 'Workflow builds what the nodes run',

    async check({ log }) {
      const { settings, repository } = rollout.delivery
      const clones = await repository()
      const text = await clones.withClone(clone => clone.read(settings.workflow))
      const needs = workflowNeeds(settings, [serviceOf(settings, service).name])
      const findings = workflowFindings(text, { ...needs, touch })
      const wrong = blocking(findings)
      if (wrong.length > 0 && !force) {
        rollout.note(findings)
        throw unhealthy(
          `nothing was pushed: the workflow is wrong\n${findingsText(findings, verdictOf(findings), plain)}`,
          'correct the workflow on the branch first; --force pushes regardless',
        )
      }
      for (const { object, message } of wrong) log.warn(`${object}: ${message}; going on because of --force`)
      return { state: 'done', evidence: findings as unknown as Json }
    },
  })
}
