import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Snapshot, SnapshotRequest, Vm } from '../../../../lib/google/compute.ts'
import { newSnapshot, snapshotTaken } from '../../../../lib/phases/snapshot/taken.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'

type SnapshotContext = Parameters<ReturnType<typeof snapshotTaken>['check']>[0]

const KEY = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s', 'state-serial': '7' }
const MINE = { labels: { ...KEY, 'state-lineage': 'aaaa-1' }, sourceDisk: 'vm-disk' }
const VM: Partial<Vm> = { name: 'vm', status: 'RUNNING', disks: ['vm-disk', 'data'] }

interface World {
  applied?: boolean
  vm?: Partial<Vm> | undefined
  snapshots?: Partial<Snapshot>[]
}

/** An environment in which 01-k8s is applied with serial 7 and its VM runs, unless told. */
function contextOn({ applied = true, snapshots = [], ...world }: World = {}) {
  const calls: string[] = []
  const made: SnapshotRequest[] = []
  const vm = 'vm' in world ? world.vm : VM
  const has = (snapshot: Partial<Snapshot>, labels: Record<string, string>) =>
    Object.entries(labels).every(([name, value]) => snapshot.labels?.[name] === value)
  const compute = {
    vm: async (name: string) => (name === 'vm' ? vm : undefined),
    snapshots: async (labels: Record<string, string>) => snapshots.filter(snapshot => has(snapshot, labels)),
    createSnapshot: async (request: SnapshotRequest) => {
      calls.push(`create ${request.name}`)
      made.push(request)
      return { ...request, id: '12', status: 'READY', storageBytes: 5n, sourceDiskId: '34' }
    },
  }
  const context = {
    compute: async () => compute,
    host: async () => ({ run: async (command: string[]) => calls.push(command.join(' ')) }),
    output: async (_layer: string, name: string) => (name === 'vm_name' ? 'vm' : ''),
    terraform: { state: async () => ({ applied, serial: 7, lineage: 'aaaa-1' }) },
    baseLayer: '00-vpc',
    environment: { name: 'lab' },
    signal: new AbortController().signal,
    now: () => new Date('2025-11-01T12:00:00Z'),
    progress: () => undefined,
  } as unknown as SnapshotContext
  return { context, calls, made }
}
const TO_TAKE = { state: 'todo', changes: ["create a snapshot of the VM's boot disk for 01-k8s, state serial 7"] }
const codeOf = async (run: Promise<unknown>): Promise<number> => {
  try {
    await run
  } catch (error) {
    if (error instanceof OpsError) return error.code
    throw error
  }
  throw new Error('it did not fail')
}

const checks = suite('snapshotTaken checks')
for (const [why, world, expected] of [
  ['a layer that is not applied', { applied: false }, { state: 'unknown', needs: 'layer 01-k8s to be applied' }],
  ['none for this state', {}, TO_TAKE],
  [
    'one for this state',
    { snapshots: [{ name: 's', status: 'READY', ...MINE }] },
    { state: 'done', evidence: { snapshot: 's', serial: 7 } },
  ],
  [
    'one that is being taken',
    { snapshots: [{ name: 's', status: 'CREATING', ...MINE }] },
    { state: 'todo', changes: ['wait for snapshot s, which is being taken'] },
  ],
  [
    'one that is being stored',
    { snapshots: [{ name: 's', status: 'UPLOADING', ...MINE }] },
    { state: 'todo', changes: ['wait for snapshot s, which is being taken'] },
  ],
  [
    'one that failed is named',
    { snapshots: [{ name: 's', status: 'FAILED', ...MINE }] },
    { state: 'todo', changes: [`${TO_TAKE.changes[0]}; snapshot s of it has FAILED`] },
  ],
  [
    'one that failed, and a good one',
    {
      snapshots: [
        { name: 's', status: 'FAILED', ...MINE },
        { name: 't', status: 'READY', ...MINE },
      ],
    },
    { state: 'done', evidence: { snapshot: 't', serial: 7 } },
  ],
  ['one that is being deleted', { snapshots: [{ name: 's', status: 'DELETING', ...MINE }] }, TO_TAKE],
  ['one from before lineages were noted', { snapshots: [{ name: 's', status: 'READY', ...MINE, labels: KEY }] }, TO_TAKE],
  [
    'one of another lineage',
    { snapshots: [{ name: 's', status: 'READY', ...MINE, labels: { ...MINE.labels, 'state-lineage': 'bbbb' } }] },
    TO_TAKE,
  ],
  ['one of another disk', { snapshots: [{ name: 's', status: 'READY', ...MINE, sourceDisk: 'former' }] }, TO_TAKE],
  [
    'one of an earlier state',
    { snapshots: [{ name: 's', status: 'READY', labels: { ...KEY, 'state-serial': '6' } }] },
    TO_TAKE,
  ],
  ['one of another layer', { snapshots: [{ name: 's', status: 'READY', labels: { ...KEY, layer: '00-vpc' } }] }, TO_TAKE],
  [
    'one of another environment',
    { snapshots: [{ name: 's', status: 'READY', labels: { ...KEY, environment: 'prod' } }] },
    TO_TAKE,
  ],
] as [string, World, object][]) {
  checks(why, async () => {
    const { context, calls } = contextOn(world)
    assert.equal(await snapshotTaken('01-k8s').check(context), expected)
    assert.equal(calls, [])
  })
}
checks.run()

const asked = suite('newSnapshot checks')
asked('another one of the same state is to be taken', async () => {
  const { context } = contextOn({ snapshots: [{ name: 's', status: 'READY', labels: KEY }] })
  assert.equal(await newSnapshot('01-k8s').check(context), TO_TAKE)
})
asked('of a layer that is not applied there is nothing to keep', async () => {
  assert.is(await codeOf(newSnapshot('01-k8s').check(contextOn({ applied: false }).context)), 4)
})
asked.run()

const runs = suite('a snapshot is taken')
runs('of the boot disk, once the guest has written what it holds in memory', async () => {
  const { context, calls, made } = contextOn()
  const evidence = await snapshotTaken('01-k8s').run(context)
  assert.equal(calls, ['sync', `create ${made[0]?.name}`])
  assert.is(made[0]?.disk, 'vm-disk')
  assert.equal(evidence, {
    ...{ snapshot: made[0]?.name, id: '12', status: 'READY', serial: 7, bytes: '5', sourceDiskId: '34' },
    labels: { ...MINE.labels, consistency: 'crash' },
  })
})
runs('named after the VM and the layer; that of the base layer is the VM’s own', async () => {
  for (const [layer, name] of [
    ['01-k8s', /^vm-01-k8s-/],
    ['00-vpc', /^snapshot-00-vpc-/],
  ] as const) {
    const { context, made } = contextOn()
    await snapshotTaken(layer).run(context)
    assert.match(made[0]?.name ?? '', name)
  }
})
runs('what it made is what the next check finds', async () => {
  const { context, made } = contextOn()
  await newSnapshot('01-k8s').run(context)
  const { context: later } = contextOn({
    snapshots: made.map(request => ({ ...request, sourceDisk: request.disk, status: 'READY' })),
  })
  assert.is((await snapshotTaken('01-k8s').check(later)).state, 'done')
})
for (const [status, code] of [
  ['READY', 0],
  ['FAILED', 5],
] as const) {
  runs(`one that is being taken is waited for, not taken twice; it ends as ${status}`, async () => {
    const taken = { name: 's', id: '12', storageBytes: 5n, sourceDiskId: '34', status: 'CREATING', ...MINE }
    const { context, calls } = contextOn({ snapshots: [taken] })
    const run = snapshotTaken('01-k8s').run(context)
    setTimeout(() => Object.assign(taken, { status }), 20)
    if (code === 0) assert.is(((await run) as { snapshot: string }).snapshot, 's')
    else assert.is(await codeOf(run), code)
    assert.equal(calls, [])
  })
}
runs('of a VM that is off there is nobody to ask', async () => {
  const { context, calls, made } = contextOn({ vm: { ...VM, status: 'TERMINATED' } })
  await snapshotTaken('01-k8s').run(context)
  assert.equal(calls, [`create ${made[0]?.name}`])
})
for (const [why, vm] of [
  ['no VM', undefined],
  ['a VM without a disk', { ...VM, disks: [] }],
] as [string, Partial<Vm> | undefined][]) {
  runs(`of ${why} there is none`, async () => {
    const { context, made } = contextOn({ vm })
    assert.is(await codeOf(snapshotTaken('01-k8s').run(context)), 4)
    assert.equal(made, [])
  })
}
runs.run()
