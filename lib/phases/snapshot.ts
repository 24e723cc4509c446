import { snapshotKey, snapshotPlan } from '../model/snapshot/plan.ts'
import { precondition } from '../runtime/errors.ts'
import type { Phase } from '../runtime/phases.ts'
import { baseLayer, type Operation } from './operation.ts'

/**
 * One snapshot of the VM's boot disk for the layer's present state: taken once per state serial, so that repeating `up` on
 * an unchanged system takes none.
 */
export function snapshotOf(layer: string): Phase<Operation> {
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

/** The same, always: for an operator who asks for one. */
export const newSnapshotOf = (layer: string): Phase<Operation> => ({
  ...snapshotOf(layer),
  async check({ terraform }) {
    const { applied, serial } = await terraform.state(layer)
    if (!applied)
      throw precondition(
        `layer ${layer} is not applied: there is no state to keep`,
        `\`./taskw layer:apply -- ${layer}\` first`,
      )
    return { state: 'todo', changes: [`create a snapshot of the VM's boot disk for ${layer}, state serial ${serial}`] }
  },
})

/** Deletes every snapshot of the environment that this toolkit made; by labels, never by name. */
export function snapshotsPurged(): Phase<Operation> {
  const find = async ({ compute, environment }: Operation) => {
    const client = await compute()
    const all = await client.snapshots({ 'managed-by': 'threads-ops', environment: environment.name })
    return {
      client,
      names: all.filter(({ autoCreated, labels }) => !autoCreated && labels.protect !== 'true').map(({ name }) => name),
    }
  }
  return {
    id: 'snapshots/purged',
    title: 'Delete the snapshots',

    async check(context) {
      const { names } = await find(context)
      return names.length === 0
        ? { state: 'done', evidence: [] }
        : { state: 'todo', changes: names.map(name => `delete snapshot ${name}`) }
    },

    async run(context) {
      const { client, names } = await find(context)
      for (const name of names) {
        context.progress(name)
        await client.deleteSnapshot(name)
      }
      return { deleted: names }
    },
  }
}

async function takeSnapshot(layer: string, { compute, host, output, terraform, environment, now, progress }: Operation) {
  const [client, vmName, { serial }] = await Promise.all([
    compute(),
    output(baseLayer(terraform), 'vm_name'),
    terraform.state(layer),
  ])
  const vm = await client.vm(vmName)
  const disk = vm?.disks[0]
  if (vm === undefined || disk === undefined)
    throw precondition(`VM ${vmName} has no disk to take a snapshot of`, '`./taskw status` shows what there is')
  if (vm.status === 'RUNNING') {
    progress('writing what the guest holds in memory to its disk')
    await (await host()).run(['sync'])
  }
  const plan = snapshotPlan({
    environment: environment.name,
    layer,
    base: layer === baseLayer(terraform),
    vm: vmName,
    disk,
    serial,
    now: now(),
  })
  progress(plan.name)
  const { name, id, status, storageBytes, sourceDiskId } = await client.createSnapshot(plan)
  return { snapshot: name, id, status, serial, bytes: String(storageBytes), sourceDiskId, labels: plan.labels }
}
