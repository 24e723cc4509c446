import { environmentNames } from '../../config/names.ts'
import type { Snapshot } from '../../google/compute.ts'
import { heldBy } from '../../model/layer/holdings.ts'
import { foundSnapshots, type Maker } from '../../model/snapshot/found.ts'
import type { Context } from '../../operation/context.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'

type FoundContext = Pick<Context, 'compute' | 'environment' | 'terraform' | 'baseLayer' | 'output' | 'defaults'>

/** A snapshot of the environment: who made it, and after which layer, where anything says that. */
export interface FoundSnapshot extends Snapshot {
  madeBy: Maker
  layer: string | undefined
}

/** All snapshots of the environment's disks, whoever made them, newest first. */
export async function snapshotsFound(context: FoundContext): Promise<FoundSnapshot[]> {
  const { compute, environment, terraform, defaults } = context
  const [client, { project, zone }] = await Promise.all([compute(), defaults()])
  const [all, disks] = await Promise.all([client.snapshots({}), diskNames(context)])
  const others = environmentNames().filter(name => name !== environment.name)
  return foundSnapshots(all, { environment: environment.name, others, layers: terraform.layers, disks, project, zone })
}

/** The disks of the VM, those in its layer's state, and the one that Google gives a VM that names none, which is called after it. */
async function diskNames({ compute, terraform, baseLayer, output }: FoundContext): Promise<string[]> {
  const [client, vm] = await Promise.all([compute(), output(baseLayer, 'vm_name').catch(unlessMissing)])
  if (vm === undefined) return []
  const [found, resources] = await Promise.all([client.vm(vm), terraform.resources(baseLayer)])
  const held = resources.flatMap(({ type, attributes }) => heldBy(type, attributes))
  return [vm, ...(found?.disks ?? []), ...held.filter(({ kind }) => kind === 'disk').map(({ name }) => name)]
}

/** Where nothing is applied, nothing says what the VM is called. */
function unlessMissing(error: unknown): undefined {
  if (error instanceof OpsError && error.code === exitCodes.precondition) return undefined
  throw error
}
