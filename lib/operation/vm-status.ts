import { endsWaiting, type Reach, vmFinding } from '../model/health/reach.ts'
import { messageOf, precondition } from '../runtime/errors.ts'
import type { Context } from './context.ts'

type Asked = Pick<Context, 'compute' | 'output' | 'baseLayer'>

/** What Google says of the environment's VM; without a status there is no such VM. */
export async function vmOf({ compute, output, baseLayer }: Asked): Promise<Reach['vm']> {
  const name = await output(baseLayer, 'vm_name')
  const vm = await (await compute()).vm(name)
  return { name, ...(vm && { status: vm.status, statusMessage: vm.statusMessage }) }
}

/**
 * What to make of a connection to the VM that failed.
 * @returns OpsError 4 when the VM is off or gone, so that another try is of no use; else the error itself
 */
export async function dialFailure(error: unknown, asked: Asked): Promise<unknown> {
  const vm = await vmOf(asked).catch(() => undefined)
  const finding = vm && vmFinding({ error: messageOf(error), vm, layer: asked.baseLayer })
  return endsWaiting(finding) ? precondition(`${finding.object} ${finding.message}`, finding.remedy ?? '', error) : error
}
