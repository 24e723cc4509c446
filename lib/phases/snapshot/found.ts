import { environmentNames } from '../../config/names.ts'
import type { Snapshot } from '../../google/compute.ts'
import { isOwnResource } from '../../model/labels.ts'
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
  const [labelled, disks] = await Promise.all([client.snapshots({ environment: environment.name }), diskNames(context)])
  const once = labelled.filter(({ labels }) => isOwnResource(labels)).map(({ sourceDisk }) => sourceDisk)
  const names = [...new Set([...disks, ...once])].filter(name => name !== '')
  const ofDisks = await client.snapshotsOfDisks(names)
  // What both have is one; whatever comes or goes in between is in one of them, or in none.
  const all = [...new Map([...labelled, ...ofDisks].map(each => [each.id, each])).values()].sort((a, b) =>
    b.createdAt.localeCompare(a.createdAt),
  )
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
