import type { Health } from '../../model/drill/facts.ts'
import { podRows } from '../../model/drill/pods.ts'
import { type Comparison, type LayerProof, proofOf } from '../../model/drill/proof.ts'
import type { SnapshotFacts } from '../../model/drill/snapshot.ts'
import { snapshotKey } from '../../model/snapshot/plan.ts'
import { messageOf } from '../../runtime/errors.ts'
import { planLayer } from '../adoption.ts'
import type { Operation } from '../operation.ts'
import type { Assessment } from '../verify.ts'

/** What was found of the system's health, with the pods to show. */
export async function healthOf({ verdict, findings }: Assessment, operation: Operation): Promise<Health> {
  const at = operation.now().toISOString()
  const { inventory } = await (await operation.cluster()).inventory(operation.signal)
  const { namespaces, applications } = operation.environment.verify
  return {
    verdict,
    at,
    findings: findings.map(({ rule, severity, object, message }) => ({ rule, severity, object, message })),
    pods: podRows(inventory, Object.keys(namespaces)),
    applications: Object.fromEntries(
      applications.map(name => {
        const found = inventory.applications.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === name)
        const { sync, health } = found?.status ?? {}
        return [name, found ? `${sync?.status ?? 'Unknown'} ${health?.status ?? 'Unknown'}` : 'missing']
      }),
    ),
  }
}

/** A layer's proof as its state object says it now: read from the bucket itself, past everything that is remembered of it. */
export async function takeProof(layer: string, { store }: Operation): Promise<LayerProof | undefined> {
  return proofOf(await (await store()).read(`${layer}/state/default.tfstate`))
}

/** The layer's proof once more, and whether its plan is empty. */
export async function compareLayer(layer: string, moment: string, operation: Operation): Promise<Comparison> {
  // Before the plan: what is compared is what the drill has left, not what a plan might have done to it.
  const proof = (await takeProof(layer, operation)) ?? null
  const at = operation.now().toISOString()
  try {
    const { empty, changes, drift } = await planLayer(layer, operation)
    return { layer, moment, at, proof, plan: { empty, changes: changes.length > 0 ? changes : drift } }
  } catch (error) {
    if (operation.signal.aborted) throw error
    return { layer, moment, at, proof, plan: null, planError: messageOf(error) }
  }
}

/** The newest snapshot of the layer's present state. */
export async function snapshotAfter(
  layer: string,
  { compute, terraform, environment }: Operation,
): Promise<SnapshotFacts | null> {
  const { serial } = await terraform.state(layer)
  const [newest] = await (await compute()).snapshots(snapshotKey({ environment: environment.name, layer, serial }))
  if (!newest) return null
  const { name, status, description, labels, createdAt, sourceDisk } = newest
  return { name, status, description, labels, createdAt, sourceDisk, serial }
}

/** The newest snapshot that could be restored, whatever layer it was taken after. */
export async function newestSnapshot({
  compute,
  environment,
}: Operation): Promise<{ name: string; createdAt: string } | undefined> {
  const all = await (await compute()).snapshots({ 'managed-by': 'threads-ops', environment: environment.name })
  const newest = all.find(({ status }) => status === 'READY')
  return newest && { name: newest.name, createdAt: newest.createdAt }
}
