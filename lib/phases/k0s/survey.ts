import { type K0s, k0sOn } from '../../host/k0s.ts'
import { clusterConfig } from '../../model/k0s/config.ts'
import type { HostFacts } from '../../model/k0s/facts.ts'
import { type BootstrapPlan, bootstrapPlan, installFlags, type Wanted } from '../../model/k0s/plan.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { PhaseState } from '../../runtime/phases.ts'

export type K0sContext = Pick<Context, 'environment' | 'baseLayer' | 'output' | 'host'>

/** Of the VM and of every image; etcd has failed on an ARM VM. */
const ARCHITECTURE = 'amd64'

interface Survey {
  k0s: K0s
  facts: HostFacts
  wanted: Wanted
  plan: BootstrapPlan
}

/**
 * The facts of the VM, and what there is to do. Phases share one probe of the host. `fresh` is for those about to change something:
 * whoever held the lock before may have done it already, and writing a file again would look like a change.
 * @throws OpsError 4 when the host must not be touched, with every reason at once
 */
export async function survey(context: K0sContext, options: { fresh?: boolean } = {}): Promise<Survey> {
  const [wanted, host] = await Promise.all([wantedOn(context), context.host()])
  const k0s = k0sOn(host)
  const facts = await k0s.facts(options)
  const plan = bootstrapPlan(facts, wanted)
  const [first, ...more] = plan.refusals
  if (first) {
    const reasons = [first, ...more].map(({ message }) => message).join('; ')
    throw precondition(`${host.name}: ${reasons}`, first.hint)
  }
  return { k0s, facts, wanted, plan }
}

async function wantedOn({ environment, baseLayer, output }: K0sContext): Promise<Wanted> {
  const [vmName, address] = await Promise.all([output(baseLayer, 'vm_name'), output(baseLayer, 'vm_internal_ip')])
  const { version, binary, spec } = environment.k0s
  return {
    architecture: ARCHITECTURE,
    version,
    sha256: binary.sha256,
    config: clusterConfig({ address, vmName, spec }),
    flags: installFlags(vmName),
    environment: {},
    nodeName: vmName,
  }
}

export const pendingOr = (changes: string[], evidence: Json): PhaseState =>
  changes.length > 0 ? { state: 'todo', changes } : { state: 'done', evidence }
