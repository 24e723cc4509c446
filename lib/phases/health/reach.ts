import { ApiError } from '../../cluster/rest.ts'
import type { Assessment } from '../../model/health/assess.ts'
import { type Finding, verdictOf } from '../../model/health/finding.ts'
import { endsWaiting, type Reach, reachFinding, vmFinding } from '../../model/health/reach.ts'
import { API_PORT } from '../../model/ports.ts'
import type { Context } from '../../operation/context.ts'
import { vmOf } from '../../operation/vm-status.ts'
import { exitCodes, messageOf, OpsError } from '../../runtime/errors.ts'

type VmContext = Parameters<typeof vmOf>[0]
type ReachContext = VmContext & Pick<Context, 'dial' | 'tunnel' | 'host'>

/**
 * Why an API server does not answer.
 * @throws the error itself where it is about something else, or where nothing more can be found out
 */
export async function unreachable(error: unknown, context: ReachContext): Promise<Assessment> {
  if (!(error instanceof OpsError) || error.code !== exitCodes.external || error instanceof ApiError) throw error
  const known = await survey(error, context).catch(() => undefined)
  if (!known) throw error
  const finding = reachFinding(known)
  return assessed(finding)
}

const assessed = (finding: Finding): Assessment => ({ verdict: verdictOf([finding]), findings: [finding] })

/**
 * Why there is no point in waiting for an API server: its VM is off or gone. Undefined otherwise. It asks only for the VM's status, so
 * it can be called at every attempt, whatever else does not answer.
 */
export async function hopeless({ message }: OpsError, context: VmContext): Promise<Assessment | undefined> {
  const finding = vmFinding({ error: message, vm: await vmOf(context), layer: context.baseLayer })
  return endsWaiting(finding) ? assessed(finding) : undefined
}

async function survey(error: OpsError, context: ReachContext): Promise<Reach> {
  const { dial, tunnel } = context
  const { port, answers } = await tunnel()
  const [vm, refused, own] = await Promise.all([
    vmOf(context),
    dial(API_PORT).then(stream => void stream.destroy(), messageOf),
    answers(),
  ])
  return {
    error: error.message,
    vm,
    layer: context.baseLayer,
    diskFree: vm.status === 'RUNNING' ? await diskFree(context).catch(() => undefined) : undefined,
    dial: refused,
    tunnel: { address: `127.0.0.1:${port}`, own },
  }
}

/** A VM that answers at all does so within this time. In milliseconds. */
const ANSWERS_WITHIN_MS = 10_000

/** Bytes left on the VM's disk. */
async function diskFree({ host }: Pick<Context, 'host'>): Promise<number> {
  const timeout = ANSWERS_WITHIN_MS
  const { stdout } = await (await host(timeout)).run(['df', '--block-size=1', '--output=avail', '/'], {
    readOnly: true,
    timeout,
  })
  return Number(stdout.trim().split('\n').at(-1))
}
