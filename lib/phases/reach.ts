import { ApiError } from '../cluster/rest.ts'
import { endsWaiting, type Reach, reachFinding, vmFinding } from '../model/health/reach.ts'
import { exitCodes, messageOf, OpsError } from '../runtime/errors.ts'
import { API_PORT, baseLayer, type Operation } from './operation.ts'
import type { Assessment } from './verify.ts'
import { vmOf } from './vm-status.ts'

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

/**
 * Why waiting for an API server is of no use, if it is of none: its VM is off or gone. It asks for that alone, so that it can be asked
 * at every try, whatever else is out of reach.
 */
export async function hopeless({ message }: OpsError, operation: Operation): Promise<Assessment | undefined> {
  const layer = baseLayer(operation.terraform)
  const finding = vmFinding({ error: message, vm: await vmOf(operation, layer), layer })
  return endsWaiting(finding) ? { verdict: 'unhealthy', findings: [finding] } : undefined
}

async function look(error: OpsError, operation: Operation): Promise<Reach> {
  const { terraform, dial, tunnel } = operation
  const layer = baseLayer(terraform)
  const [vm, refused, { port, own }] = await Promise.all([
    vmOf(operation, layer),
    dial(API_PORT).then(stream => void stream.destroy(), messageOf),
    tunnel(),
  ])
  return {
    error: error.message,
    vm,
    layer,
    diskFree: vm.status === 'RUNNING' ? await diskFree(operation).catch(() => undefined) : undefined,
    dial: refused,
    tunnel: { address: `127.0.0.1:${port}`, own },
  }
}

/** A machine that answers at all does so within this. In milliseconds. */
const ANSWERS_WITHIN_MS = 10_000

/** Bytes left on the VM's disk. */
async function diskFree({ host }: Operation): Promise<number> {
  const timeout = ANSWERS_WITHIN_MS
  const { stdout } = await (await host(timeout)).run(['df', '--block-size=1', '--output=avail', '/'], {
    readOnly: true,
    timeout,
  })
  return Number(stdout.trim().split('\n').at(-1))
}
