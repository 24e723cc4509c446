import { secrets } from '../../cluster/kinds.ts'
import { type Conflict, conflicts, strandedReleases } from '../../model/layer/adoption.ts'
import { describeConflicts } from '../../model/layer/import-block.ts'
import { isOurs } from '../../model/layer/intents.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Plan, TerraformError } from '../../terraform/terraform.ts'
import { knownIntents } from './known-intents.ts'

export type AdoptionContext = Pick<Context, 'terraform' | 'cluster' | 'environment' | 'store' | 'log'>

/**
 * Takes into the state what a failed apply found there already, where this environment's journals say that an interrupted run of
 * ours had begun to make it.
 * @returns whether anything was taken in
 * @throws OpsError 4 for anything else that is there already, with the import blocks to review
 */
export async function adopt(plan: Plan, error: TerraformError, context: AdoptionContext): Promise<boolean> {
  const found = conflicts(error.errors, plan.resources)
  if (found.length === 0) return false
  const known = await knownIntents(context)
  const ours = (conflict: Conflict) => isOurs({ layer: plan.layer, ...conflict }, known)
  const foreign = found.filter(conflict => !ours(conflict) || (conflict.id === undefined && !isRelease(conflict, error)))
  if (foreign.length > 0) {
    const { message, hint } = describeConflicts(plan.layer, foreign)
    throw precondition(message, hint, error)
  }
  for (const { address, id } of found.filter(conflict => !isRelease(conflict, error))) {
    context.log.warn(`${id} exists already, made by an interrupted run: taking it into the state as ${address}`)
    await context.terraform.adopt(plan.layer, address, String(id))
  }
  for (const { address } of found.filter(conflict => isRelease(conflict, error))) await adoptRelease(plan, address, context)
  return true
}

const isRelease = ({ address }: Conflict, { errors }: TerraformError): boolean =>
  strandedReleases(errors).some(release => release.address === address)

/** A release that Helm had finished is imported; of one that it had not, the record goes, and Helm adopts what it had made. */
async function adoptRelease(plan: Plan, address: string, context: AdoptionContext): Promise<void> {
  const { terraform, log } = context
  const { name, namespace } = await terraform.planned(plan, address)
  const cluster = await context.cluster()
  const records = (await cluster.list(secrets, String(namespace))).filter(
    ({ metadata }) => metadata.labels?.owner === 'helm' && metadata.labels.name === name,
  )
  if (records.some(({ metadata }) => metadata.labels?.status === 'deployed')) {
    log.warn(`release ${namespace}/${name} exists already, made by an interrupted run: taking it into the state as ${address}`)
    await terraform.adopt(plan.layer, address, `${namespace}/${name}`)
    return
  }
  log.warn(`release ${namespace}/${name} was never finished: installing it again`)
  for (const { metadata } of records) await cluster.delete(secrets, { namespace: String(namespace), name: metadata.name })
}
