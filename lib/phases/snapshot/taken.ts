import type { Snapshot } from '../../google/compute.ts'
import { snapshotKey, snapshotPlan, stateSnapshots } from '../../model/snapshot/plan.ts'
import type { Context } from '../../operation/context.ts'
import { external, precondition } from '../../runtime/errors.ts'
import type { Phase } from '../../runtime/phases.ts'
import { waitFor } from '../../runtime/wait.ts'

type SnapshotContext = Pick<
  Context,
  'compute' | 'host' | 'output' | 'terraform' | 'baseLayer' | 'environment' | 'now' | 'progress' | 'signal'
>

const WAIT_MS = 10 * 60_000
const PAUSE_MS = 1000
/** It will be READY by itself. */
const UNDERWAY = ['CREATING', 'UPLOADING']

/**
 * Takes a snapshot of the VM's boot disk for the layer's current state, once per lineage, serial and disk: repeating `up` on an unchanged system
 * takes none.
 */
export function snapshotTaken(layer: string): Phase<SnapshotContext> {
  return {
    id: `snapshot/${layer}`,
    title: `Snapshot after ${layer}`,

    async check(context) {
      const { serial, applied } = await context.terraform.state(layer)
      if (!applied) return { state: 'unknown', needs: `layer ${layer} to be applied` }
      const existing = await snapshotsOfState(layer, context)
      const ready = existing.find(({ status }) => status === 'READY')
      if (ready) return { state: 'done', evidence: { snapshot: ready.name, serial } }
      const underway = existing.find(isUnderway)
      if (underway) return { state: 'todo', changes: [`wait for snapshot ${underway.name}, which is being taken`] }
      const failed = existing
        .filter(({ status }) => status === 'FAILED')
        .map(({ name }) => `; snapshot ${name} of it has FAILED`)
      const change = `create a snapshot of the VM's boot disk for ${layer}, state serial ${serial}`
      return { state: 'todo', changes: [change + failed.join('')] }
    },

    async run(context) {
      const underway = (await snapshotsOfState(layer, context)).find(isUnderway)
      return underway ? waitForSnapshot(underway, layer, context) : takeSnapshot(layer, context)
    },
  }
}

/** The same, but always: the operator has asked for one. */
export const newSnapshot = (layer: string): Phase<SnapshotContext> => ({
  ...snapshotTaken(layer),
  run: context => takeSnapshot(layer, context),
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

const isUnderway = ({ status }: Snapshot): boolean => UNDERWAY.includes(status)

/** The snapshots of the layer's current state and of the VM's present boot disk, in whatever status. */
async function snapshotsOfState(layer: string, context: SnapshotContext): Promise<Snapshot[]> {
  const { compute, output, terraform, baseLayer, environment } = context
  const [client, vmName, state] = await Promise.all([compute(), output(baseLayer, 'vm_name'), terraform.state(layer)])
  const key = snapshotKey({ environment: environment.name, layer, serial: state.serial })
  const [found, vm] = await Promise.all([client.snapshots(key), client.vm(vmName)])
  return stateSnapshots(found, { lineage: state.lineage, disk: vm?.disks[0] })
}

/** An earlier run was interrupted while it was being taken. @throws OpsError 5 when it fails after all, 124 */
async function waitForSnapshot({ name }: Snapshot, layer: string, context: SnapshotContext) {
  const { terraform, signal, progress } = context
  progress(name)
  const snapshot = await waitFor({
    what: `snapshot ${name}`,
    within: WAIT_MS,
    every: PAUSE_MS,
    signal,
    probe: async () => {
      const current = (await snapshotsOfState(layer, context)).find(each => each.name === name)
      return current && isUnderway(current) ? undefined : (current ?? { status: 'gone' as const })
    },
  })
  if (!('id' in snapshot) || snapshot.status !== 'READY')
    throw external(
      `snapshot ${name} was being taken, and is ${snapshot.status} now`,
      'run the same command again: it takes another',
    )
  const { id, status, storageBytes, sourceDiskId, labels } = snapshot
  const { serial } = await terraform.state(layer)
  return { snapshot: name, id, status, serial, bytes: String(storageBytes), sourceDiskId, labels }
}

async function takeSnapshot(layer: string, context: SnapshotContext) {
  const { compute, host, output, terraform, baseLayer, environment, now, progress } = context
  const [client, vmName, { serial, lineage }] = await Promise.all([
    compute(),
    output(baseLayer, 'vm_name'),
    terraform.state(layer),
  ])
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
    lineage,
    now: now(),
  })
  progress(plan.name)
  const { name, id, status, storageBytes, sourceDiskId } = await client.createSnapshot(plan)
  return { snapshot: name, id, status, serial, bytes: String(storageBytes), sourceDiskId, labels: plan.labels }
}
