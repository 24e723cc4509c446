import { stateLock } from '../../model/layer/adoption.ts'
import { destructions } from '../../model/layer/destruction.ts'
import type { Context } from '../../operation/context.ts'
import { operator } from '../../operation/operator.ts'
import { type Plan, TerraformError } from '../../terraform/terraform.ts'

export type PlanContext = Pick<Context, 'terraform' | 'log' | 'progress'>

/** What applying or destroying a layer would change. It only looks: no lock is taken or freed, nothing is written. */
export const planLayer = (
  name: string,
  { terraform, progress }: Pick<Context, 'terraform' | 'progress'>,
  options: { destroy?: boolean } = {},
): Promise<Plan> => terraform.plan(name, { ...options, lock: false, onProgress: progress })

/**
 * The same behind the state's lock, after an apply has found it taken or the state changed. A lock whose holder is a dead process
 * of this machine is freed; any other is waited for.
 * @throws TerraformError, naming the holder, when it is not freed in time
 */
export async function planAgain(name: string, context: PlanContext, { destroy }: Pick<Plan, 'destroy'>): Promise<Plan> {
  const { terraform, log, progress } = context
  const options = { destroy, onProgress: progress }
  try {
    return await terraform.plan(name, { ...options, lockTimeout: 0 })
  } catch (error) {
    const lock = lockIn(error)
    if (!lock) throw error
    if (lock.who === operator() && (await terraform.running(name)).length === 0) {
      log.warn(`freeing the state lock of ${name}: its holder (${lock.who}, ${lock.created}) is dead`)
      await terraform.unlock(name, lock.id)
    } else {
      progress(`waiting for the state lock that ${lock.who} has held since ${lock.created}`)
    }
    return terraform.plan(name, options)
  }
}

/** The state lock that kept Terraform from its work, if that is what an error is about. */
export const lockIn = (error: unknown) => (error instanceof TerraformError ? stateLock(error.errors) : undefined)

/** A plan's changes, a line each; what is destroyed with its real name. */
export function describeChanges({ changes, resources, outputsChanged }: Plan): string[] {
  const names = new Map(destructions(resources).map(({ address, name }) => [address, name]))
  const lines = changes.map(({ action, address }) => [`${action} ${address}`, names.get(address)].filter(Boolean).join(' · '))
  return lines.length === 0 && outputsChanged ? ['change outputs only'] : lines
}

/** A phase's run applies what its check has planned. */
export function onlyAfterCheck(plan: Plan | undefined): Plan {
  if (!plan) throw new Error('a layer runs only after its check has planned it')
  return plan
}
