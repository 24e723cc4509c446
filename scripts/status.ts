#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import type { Context } from '../lib/operation/context.ts'
import type { LockHolder } from '../lib/operation/lock.ts'
import type { k0sSummary } from '../lib/phases/k0s/findings.ts'
import type { Json } from '../lib/runtime/json.ts'
import { table } from '../lib/runtime/table.ts'

export default environmentScript({
  name: 'status',
  summary: 'Show what exists: state bucket, lock, layers, VM, k0s, snapshots. `verify` says whether it is healthy.',

  async run(context) {
    const { lockHolder } = await import('../lib/operation/lock.ts')

    const bucket = await context.store()
    const [exists, snapshots] = await Promise.all([bucket.exists(), snapshotsOf(context)])
    const [lock, layers, { vm, k0s }] = exists
      ? await Promise.all([lockHolder(bucket), layersOf(context), machineOf(context)])
      : [undefined, context.terraform.layers.map(layer => ({ layer, applied: false, resources: 0, serial: 0 })), {}]
    const newest = snapshots[0]
    const others = snapshots.filter(({ madeBy }) => madeBy !== 'toolkit').length
    return {
      document: {
        bucket: exists ? bucket.name : null,
        lock: lockOf(lock),
        layers,
        vm: vm ?? null,
        k0s: k0s?.document ?? null,
        snapshots,
      },
      text: [
        `state bucket  ${exists ? bucket.name : `${bucket.name}: does not exist yet; \`./taskw up\` creates it`}`,
        `lock          ${lockLine(lock)}`,
        `VM            ${vm ? `${vm.name} ${vm.state} ${vm.internalIp} ${vm.architecture}` : 'none'}`,
        `k0s           ${k0s?.text ?? 'none'}`,
        `snapshots     ${snapshots.length}${others > 0 ? `, ${others} of them not made by this toolkit` : ''}${newest ? `, the newest ${newest.name} ${newest.status}` : ''}`,
        '',
        table(
          ['LAYER', 'APPLIED', 'RESOURCES', 'SERIAL'],
          layers.map(({ layer, applied, resources, serial }) => [layer, applied ? 'yes' : 'no', resources, serial]),
        ),
      ].join('\n'),
    }
  },
})

const lockOf = (lock: LockHolder | undefined): Json =>
  lock ? ((lock.record ?? { unreadable: lock.object, removal: lock.removal }) as Json) : null

function lockLine(lock: LockHolder | undefined): string {
  if (!lock) return 'free'
  const { record, object, removal } = lock
  if (!record) return `held, by whom can't be read: ${object}; if nobody changes this environment: \`${removal}\``
  return `held by ${record.holder} running \`${record.verb}\` since ${record.since}`
}

const layersOf = ({ terraform }: Context) =>
  Promise.all(
    terraform.layers.map(async layer => {
      const { applied, resources, serial } = await terraform.state(layer)
      return { layer, applied, resources, serial }
    }),
  )

async function vmOf({ compute, output, baseLayer, environment: { schedule }, now }: Context) {
  const { clockOf, offUntil } = await import('../lib/model/schedule.ts')

  const [client, name] = await Promise.all([compute(), output(baseLayer, 'vm_name')])
  const vm = await client.vm(name)
  if (!vm) return undefined
  const until = schedule && offUntil(vm.status, schedule, now())
  return { ...vm, state: until ? `off until ${clockOf(until, schedule)}` : vm.status, offUntil: until?.toISOString() ?? null }
}

/** The VM, and what runs on it. */
async function machineOf(
  context: Context,
): Promise<{ vm?: Awaited<ReturnType<typeof vmOf>>; k0s?: Awaited<ReturnType<typeof k0sSummary>> }> {
  const findings = await import('../lib/phases/k0s/findings.ts')
  const { applied } = await context.terraform.state(context.baseLayer)
  const vm = applied ? await vmOf(context) : undefined
  return { vm, ...(vm?.status === 'RUNNING' && { k0s: await findings.k0sSummary(context) }) }
}

async function snapshotsOf(context: Context) {
  const { snapshotsFound } = await import('../lib/phases/snapshot/found.ts')
  return (await snapshotsFound(context)).map(({ name, status, createdAt, madeBy }) => ({ name, status, createdAt, madeBy }))
}
