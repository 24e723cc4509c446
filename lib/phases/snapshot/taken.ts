import { snapshotKey, snapshotPlan } from '../../model/snapshot/plan.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Phase } from '../../runtime/phases.ts'

type SnapshotContext = Pick<
  Context,
  'compute' | 'host' | 'output' | 'terraform' | 'baseLayer' | 'environment' | 'now' | 'progress'
>

/**
 * Takes a snapshot of the VM's boot disk for the layer's current state, once per state serial: repeating `up` on an unchanged system
 * takes none.
 */
export function snapshotTaken(layer: string): Phase<SnapshotContext> {
  return {
    id: `snapshot/${layer}`,
    title: `Snapshot after ${layer}`,

    async check({ compute, terraform, environment }) {
      const { serial, applied } = await terraform.state(layer)
      if (!applied) return { state: 'unknown', needs: `layer ${layer} to be applied` }
      const client = await compute()
      const existing = await client.snapshots(snapshotKey({ environment: environment.name, layer, serial }))
      const ready = existing.find(({ status }) => status === 'READY')
      return ready
        ? { state: 'done', evidence: { snapshot: ready.name, serial } }
        : { state: 'todo', changes: [`create a snapshot of the VM's boot disk for ${layer}, state serial ${serial}`] }
    },

    run: context => takeSnapshot(layer, context),
  }
}

/** The same, but always: the operator has asked for one. */
export const newSnapshot = (layer: string): Phase<SnapshotContext> => ({
  ...snapshotTaken(layer),
  async check({ terraform }) {
    const { applied, serial } = await terraform.state(layer)
    if (!applied)
      throw precondition(
        `layer ${layer} is not applied: there is nothing to snapshot`,
        `\`./taskw layer:apply -- ${layer}\` first`,
      )
    return { state: 'todo', changes: [`create a snapshot of the VM's boot disk for ${layer}, state serial ${serial}`] }
  },
})

async function takeSnapshot(layer: string, context: SnapshotContext) {
  const { compute, host, output, terraform, baseLayer, environment, now, progress } = context
  const [client, vmName, { serial }] = await Promise.all([compute(), output(baseLayer, 'vm_name'), terraform.state(layer)])
  const vm = await client.vm(vmName)
  const disk = vm?.disks[0]
  if (vm === undefined || disk === undefined)
    throw precondition(`VM ${vmName} has no disk to take a snapshot of`, '`./taskw status` shows what exists')
  if (vm.status === 'RUNNING') {
    progress("flushing the guest's memory to its disk")
    await (await host()).run(['sync'])
  }
  const plan = snapshotPlan({
    environment: environment.name,
    layer,
    base: layer === baseLayer,
    vm: vmName,
    disk,
    serial,
    now: now(),
  })
  progress(plan.name)
  const { name, id, status, storageBytes, sourceDiskId } = await client.createSnapshot(plan)
  return { snapshot: name, id, status, serial, bytes: String(storageBytes), sourceDiskId, labels: plan.labels }
}
