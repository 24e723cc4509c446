import type { Kind } from '../../cluster/kinds.ts'
import { adoptions, nestedAdoption, nestedResources, strandedReleases } from '../../model/layer/adoption.ts'
import type { Context } from '../../operation/context.ts'
import { type Plan, TerraformError } from '../../terraform/terraform.ts'
import { type PlanContext, planLayer } from './plan.ts'

export type AdoptionContext = PlanContext & Pick<Context, 'cluster' | 'consent'>

const SECRETS: Kind = { base: '/api/v1', plural: 'secrets', namespaced: true }

const DESTRUCTIVE = new Set(['delete', 'replace'])

/** Each attempt must have adopted something that the one before could not have: this many bound a fault in that rule. */
const ATTEMPTS = 8

/**
 * Applies a plan. Where it fails because a run that was killed had made something and could not record it, that is taken
 * into the state, and what is left is planned and applied again.
 */
export async function applyWithAdoption(first: Plan, context: AdoptionContext): Promise<void> {
  let plan = first
  for (let attempt = 1; ; attempt++) {
    const lost = plan.changes.filter(({ action }) => DESTRUCTIVE.has(action)).map(({ address }) => address)
    if (lost.length > 0)
      await context.consent({ question: `Let ${plan.layer} destroy or replace ${lost.join(', ')}`, destroys: true })
    try {
      await context.terraform.apply(plan, context.progress)
      return
    } catch (error) {
      const adopted = error instanceof TerraformError && attempt < ATTEMPTS ? await adopt(plan, error, context) : 0
      if (adopted === 0) throw error
      plan = await planLayer(plan.layer, context)
      if (plan.empty) return
    }
  }
}

/** @returns how many objects of the failed apply were adopted */
async function adopt(plan: Plan, { errors }: TerraformError, context: AdoptionContext): Promise<number> {
  const { terraform, log } = context
  const nested = await Promise.all(
    nestedResources(errors).map(async address => nestedAdoption(address, await terraform.planned(plan, address)) ?? []),
  )
  const found = [...adoptions(errors), ...nested.flat()]
  for (const { address, id } of found) {
    log.warn(`${id} exists already: taking it into the state as ${address}`)
    await terraform.adopt(plan.layer, address, id)
  }
  const releases = strandedReleases(errors)
  for (const { address } of releases) await adoptRelease(plan, address, context)
  return found.length + releases.length
}

/** A release that Helm had finished is imported; of one that it had not, the record goes, and Helm adopts what it had made. */
async function adoptRelease(plan: Plan, address: string, context: AdoptionContext): Promise<void> {
  const { terraform, log } = context
  const { name, namespace } = await terraform.planned(plan, address)
  const cluster = await context.cluster()
  const records = (await cluster.list(SECRETS, String(namespace))).filter(
    ({ metadata }) => metadata.labels?.owner === 'helm' && metadata.labels.name === name,
  )
  if (records.some(({ metadata }) => metadata.labels?.status === 'deployed')) {
    log.warn(`release ${namespace}/${name} exists already: taking it into the state as ${address}`)
    await terraform.adopt(plan.layer, address, `${namespace}/${name}`)
    return
  }
  log.warn(`release ${namespace}/${name} was never finished: installing it again`)
  for (const { metadata } of records) await cluster.delete(SECRETS, { namespace: String(namespace), name: metadata.name })
}
