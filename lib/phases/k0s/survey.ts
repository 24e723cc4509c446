import { type K0s, k0sOn } from '../../host/k0s.ts'
import { clusterConfig } from '../../model/k0s/config.ts'
import type { HostFacts } from '../../model/k0s/facts.ts'
import { type BootstrapPlan, bootstrapPlan, installFlags, type PlanOptions } from '../../model/k0s/plan.ts'
import { presentStore } from '../../model/k0s/refusals.ts'
import type { Wanted } from '../../model/k0s/wanted.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { PhaseState } from '../../runtime/phases.ts'

export type K0sContext = Pick<Context, 'environment' | 'baseLayer' | 'output' | 'host'>

/** Of the VM and of every image; etcd has failed on an ARM VM. */
const ARCHITECTURE = 'amd64'

type SurveyOptions = PlanOptions & { fresh?: boolean }

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
export async function survey(context: K0sContext, options: SurveyOptions = {}): Promise<Survey> {
  const found = await unjudged(context, options)
  const host = await context.host()
  const [first, ...more] = found.plan.refusals
  if (first) {
    const reasons = [first, ...more].map(({ message }) => message).join('; ')
    throw precondition(`${host.name}: ${reasons}`, first.hint)
  }
  return found
}

/** The same for those who only look: what must not be done is in the plan's refusals. */
export async function unjudged(context: K0sContext, { fresh = false, takeOver = false }: SurveyOptions = {}): Promise<Survey> {
  const k0s = k0sOn(await context.host())
  const facts = await k0s.facts({ fresh })
  const wanted = await wantedOn(context, facts)
  return { k0s, facts, wanted, plan: bootstrapPlan(facts, wanted, { takeOver }) }
}

async function wantedOn({ environment, baseLayer, output }: K0sContext, { k0s }: HostFacts): Promise<Wanted> {
  const [vmName, address] = await Promise.all([output(baseLayer, 'vm_name'), output(baseLayer, 'vm_internal_ip')])
  const { version, binary, spec } = environment.k0s
  return {
    architecture: ARCHITECTURE,
    version,
    sha256: binary.sha256,
    config: clusterConfig({ address, vmName, spec, store: presentStore(k0s) }),
    flags: installFlags(vmName),
    environment: {},
    nodeName: vmName,
  }
}

/** @param differences of what is left as it is from what is wanted */
export const pendingOr = (changes: string[], evidence: Json, differences: string[] = []): PhaseState =>
  changes.length > 0 ? { state: 'todo', changes } : { state: 'done', evidence, ...(differences.length > 0 && { differences }) }
