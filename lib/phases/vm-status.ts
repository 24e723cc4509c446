import { endsWaiting, type Reach, vmFinding } from '../model/health/reach.ts'
import { messageOf, precondition } from '../runtime/errors.ts'
import type { Operation } from './operation.ts'

/** What Google says of the environment's VM. @param layer that makes it */
export async function vmOf({ compute, output }: Pick<Operation, 'compute' | 'output'>, layer: string): Promise<Reach['vm']> {
  const name = await output(layer, 'vm_name')
  const vm = await (await compute()).vm(name)
  return { name, ...(vm && { status: vm.status, statusMessage: vm.statusMessage }) }
}

/**
 * What to make of a connection to the VM that failed.
 * @returns OpsError 4 when the VM is off or gone, so that to try again is of no use; else the error itself
 */
export async function dialFailure(
  error: unknown,
  operation: Pick<Operation, 'compute' | 'output'>,
  layer: string,
): Promise<unknown> {
  const vm = await vmOf(operation, layer).catch(() => undefined)
  const finding = vm && vmFinding({ error: messageOf(error), vm, layer })
  return endsWaiting(finding) ? precondition(`${finding.object} ${finding.message}`, finding.remedy ?? '', error) : error
}
