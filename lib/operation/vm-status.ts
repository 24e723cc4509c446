import { endsWaiting, type Reach, vmFinding } from '../model/health/reach.ts'
import { clockOf, offUntil } from '../model/schedule.ts'
import { messageOf, type OpsError, precondition } from '../runtime/errors.ts'
import type { Context } from './context.ts'

/** Without an environment, and the time, nothing is known of a schedule. */
type Asked = Pick<Context, 'compute' | 'output' | 'baseLayer'> & Partial<Pick<Context, 'environment' | 'now'>>

/** What Google says of the environment's VM; without a status there is no such VM. */
export async function vmOf({ compute, output, baseLayer, environment, now }: Asked): Promise<Reach['vm']> {
  const name = await output(baseLayer, 'vm_name')
  const vm = await (await compute()).vm(name)
  if (!vm) return { name }
  const { status, statusMessage } = vm
  const schedule = environment?.schedule
  const until = schedule && now && offUntil(status, schedule, now())
  return { name, status, statusMessage, ...(until && { offUntil: clockOf(until, schedule) }) }
}

/**
 * What to make of a connection to the VM that failed.
 * @returns OpsError 4 when the VM is off or gone, so that another try is of no use; else the error itself
 */
export async function dialFailure(error: unknown, asked: Asked): Promise<unknown> {
  return (await standstill(asked, error)) ?? error
}

/** The VM is off or gone, as OpsError 4; undefined when it is not, or when nothing says so. @param cause what failed for it */
export async function standstill(asked: Asked, cause?: unknown): Promise<OpsError | undefined> {
  const vm = await vmOf(asked).catch(() => undefined)
  const finding = vm && vmFinding({ error: messageOf(cause), vm, layer: asked.baseLayer })
  return endsWaiting(finding) ? precondition(`${finding.object} ${finding.message}`, finding.remedy ?? '', cause) : undefined
}
