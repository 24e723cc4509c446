import { ApiError } from '../cluster/rest.ts'
import { type Reach, reachFinding } from '../model/health/reach.ts'
import { exitCodes, messageOf, OpsError } from '../runtime/errors.ts'
import { API_PORT, baseLayer, type Operation } from './operation.ts'
import type { Assessment } from './verify.ts'

/**
 * Of an API server that does not answer, what keeps it from answering.
 * @throws the error itself where it says something else, or where nothing more can be found out
 */
export async function unreachable(error: unknown, operation: Operation): Promise<Assessment> {
  if (!(error instanceof OpsError) || error.code !== exitCodes.external || error instanceof ApiError) throw error
  const known = await look(error, operation).catch(() => undefined)
  if (!known) throw error
  const finding = reachFinding(known)
  return { verdict: finding.heals ? 'progressing' : 'unhealthy', findings: [finding] }
}

async function look(error: OpsError, operation: Operation): Promise<Reach> {
  const { compute, output, terraform, dial, tunnel } = operation
  const layer = baseLayer(terraform)
  const name = await output(layer, 'vm_name')
  const [vm, refused, { port, own }] = await Promise.all([
    (await compute()).vm(name),
    dial(API_PORT).then(stream => void stream.destroy(), messageOf),
    tunnel(),
  ])
  return {
    error: error.message,
    vm: { name, ...(vm && { status: vm.status }) },
    layer,
    diskFree: vm?.status === 'RUNNING' ? await diskFree(operation).catch(() => undefined) : undefined,
    dial: refused,
    tunnel: { address: `127.0.0.1:${port}`, own },
  }
}

/** Bytes left on the VM's disk. */
async function diskFree({ host }: Operation): Promise<number> {
  const { stdout } = await (await host()).run(['df', '--block-size=1', '--output=avail', '/'], { readOnly: true })
  return Number(stdout.trim().split('\n').at(-1))
}
