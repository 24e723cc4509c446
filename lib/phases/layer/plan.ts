import { isLockOf, type StateLock, stateLock } from '../../model/layer/adoption.ts'
import { destructions } from '../../model/layer/destruction.ts'
import type { Context } from '../../operation/context.ts'
import { operator } from '../../operation/operator.ts'
import { livesStill } from '../../runtime/processes.ts'
import { waitFor } from '../../runtime/wait.ts'
import { type Holder, type Plan, type PlanOptions, TerraformError } from '../../terraform/terraform.ts'

export type PlanContext = Pick<Context, 'terraform' | 'log' | 'progress' | 'signal'>

/** What applying or destroying a layer would change. It only looks: no lock is taken or freed, nothing is written. */
export const planLayer = (
  name: string,
  { terraform, progress }: Pick<Context, 'terraform' | 'progress'>,
  options: Pick<PlanOptions, 'destroy' | 'onUnderway'> = {},
): Promise<Plan> => terraform.plan(name, { ...options, lock: false, onProgress: progress })

/**
 * The same behind the state's lock, after an apply has found it taken or the state changed. The lock of a dead run of
 * this checkout is freed, once its Terraform has ended; any other is waited for.
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
    const holder = (await terraform.holders(name)).find(({ began }) => isLockOf(lock, began, operator()))
    if (holder && (await endOf(name, holder, context))) {
      // It may have freed the lock itself.
      const left = await lockLeft(() => terraform.plan(name, { ...options, lockTimeout: 0 }))
      if (!('lock' in left)) return left
      if (left.lock.id === lock.id) {
        log.warn(`freeing the state lock of ${name}: its holder (${lock.who}, ${lock.created}) is dead`)
        await terraform.unlock(name, lock.id)
      }
    } else progress(`waiting for the state lock that ${lock.who} has held since ${lock.created}`)
    return terraform.plan(name, options)
  }
}

/** How long a Terraform that outlived its run may take to write its state, in milliseconds: what it has begun, it finishes. */
const FINISHES_WITHIN_MS = 20 * 60_000

/** Waits for a Terraform whose run is dead. @returns false when nobody here can know whether it lives @throws OpsError 124 */
function endOf(name: string, holder: Holder, { progress, signal }: PlanContext): Promise<boolean> {
  return waitFor({
    what: `Terraform (pid ${holder.process.pid}) of an earlier run to write the state of ${name}`,
    within: FINISHES_WITHIN_MS,
    signal,
    hint: `look at that process: it still works on ${name}`,
    probe: async () => {
      const lives = livesStill(holder.process)
      if (lives) progress(`waiting for Terraform (pid ${holder.process.pid}) of an earlier run to end`)
      return lives ? undefined : lives === false
    },
  })
}

async function lockLeft(plan: () => Promise<Plan>): Promise<Plan | { lock: StateLock }> {
  try {
    return await plan()
  } catch (error) {
    const lock = lockIn(error)
    if (!lock) throw error
    return { lock }
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
