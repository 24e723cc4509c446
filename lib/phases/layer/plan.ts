import { stateLock } from '../../model/layer/adoption.ts'
import type { Change } from '../../model/layer/stream.ts'
import type { Context } from '../../operation/context.ts'
import { operator } from '../../operation/operator.ts'
import { type Plan, type PlanOptions, TerraformError } from '../../terraform/terraform.ts'

export type PlanContext = Pick<Context, 'terraform' | 'log' | 'progress'>

/**
 * A plan, behind the state's lock. A lock whose holder is a dead process of this machine is freed; any other is waited for.
 * @throws TerraformError, naming the holder, when it is not freed in time
 */
export async function planLayer(name: string, context: PlanContext, options: { destroy?: boolean } = {}): Promise<Plan> {
  const { terraform, log, progress } = context
  const plan = (more: PlanOptions) => terraform.plan(name, { ...options, ...more, onProgress: progress })
  try {
    return await plan({ lockTimeout: 0 })
  } catch (error) {
    const lock = error instanceof TerraformError ? stateLock(error.errors) : undefined
    if (!lock) throw error
    if (lock.who === operator() && (await terraform.running(name)).length === 0) {
      log.warn(`freeing the state lock of ${name}: its holder (${lock.who}, ${lock.created}) is dead`)
      await terraform.unlock(name, lock.id)
    } else {
      progress(`waiting for the state lock that ${lock.who} has held since ${lock.created}`)
    }
    return plan({})
  }
}

/** A plan's changes, a line each. */
export const describeChanges = ({ changes, outputsChanged }: Plan): string[] => {
  const lines = changes.map(({ action, address }: Change) => `${action} ${address}`)
  return lines.length === 0 && outputsChanged ? ['change outputs only'] : lines
}

/** A phase's run applies what its check has planned. */
export function onlyAfterCheck(plan: Plan | undefined): Plan {
  if (!plan) throw new Error('a layer runs only after its check has planned it')
  return plan
}
