import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { snapshotsFound } from '../../../../lib/phases/snapshot/found.ts'
import { external, precondition } from '../../../../lib/runtime/errors.ts'

type FoundContext = Parameters<typeof snapshotsFound>[0]
interface World {
  /** Undefined where nothing says what the VM is called. */
  vmName?: string
  /** Of the VM; undefined where there is none. */
  disks?: string[]
  state?: { type: string; attributes: object }[]
}

const BOOT = { type: 'google_compute_disk', attributes: { name: 'restored', size: 50 } }
const INLINE = {
  type: 'google_compute_instance',
  attributes: { name: 'vm', boot_disk: [{ auto_delete: true, source: 'https://x/projects/p/zones/z-a/disks/renamed' }] },
}

function contextOn(snapshotOf: string, { vmName, disks, state = [] }: World): FoundContext {
  const snapshot = { name: 's', labels: {}, autoCreated: false, sourceDiskUrl: `projects/p/zones/z-a/disks/${snapshotOf}` }
  const compute = {
    snapshots: async () => [],
    snapshotsOfDisks: async (names: string[]) => (names.includes(snapshotOf) ? [snapshot] : []),
    vm: async () => disks && { disks },
  }
  return {
    compute: async () => compute,
    environment: { name: 'lab' },
    terraform: { layers: ['00-vpc'], resources: async () => state },
    baseLayer: '00-vpc',
    defaults: async () => ({ project: 'p', zone: 'z-a', region: 'z' }),
    output: async () => {
      if (vmName === undefined) throw precondition('layer 00-vpc is not applied', 'apply it')
      return vmName
    },
  } as unknown as FoundContext
}

const found = suite('snapshotsFound')
for (const [why, disk, world, expected] of [
  ['of the disk that the VM boots from', 'boot', { vmName: 'vm', disks: ['boot'] }, 1],
  [
    'of the disk that a VM gets that names none, after it was restored from another',
    'vm',
    { vmName: 'vm', disks: ['boot'] },
    1,
  ],
  ['of a VM that is gone', 'vm', { vmName: 'vm' }, 1],
  ['of a disk that the state has, while there is no VM', 'restored', { vmName: 'vm', state: [BOOT] }, 1],
  ['of a disk inside the VM that the state has', 'renamed', { vmName: 'vm', state: [INLINE] }, 1],
  ['of another disk', 'vm-2', { vmName: 'vm', disks: ['boot'], state: [BOOT, INLINE] }, 0],
  ['nothing is applied: no disk is known', 'vm', {}, 0],
] as [string, string, World, number][])
  found(why, async () => assert.is((await snapshotsFound(contextOn(disk, world))).length, expected))
found('of a disk that the environment had once; one that has its label and its disk is there once', async () => {
  const context = contextOn('former', { vmName: 'vm', disks: ['boot'] })
  const client = await context.compute()
  const ours = {
    ...{ name: 'ours', id: '1', sourceDisk: 'former', sourceDiskUrl: 'projects/p/zones/z-a/disks/former', autoCreated: false },
    ...{ labels: { 'managed-by': 'threads-ops', environment: 'lab' }, createdAt: '2026-01-02T00:00:00Z' },
  }
  const asked: (readonly string[])[] = []
  const fake = {
    ...client,
    snapshots: async (labels: object) => {
      assert.equal(labels, { environment: 'lab' })
      return [ours]
    },
    snapshotsOfDisks: async (names: readonly string[]) => {
      asked.push(names)
      return [ours, { ...ours, name: 'by-hand', id: '2', labels: {}, createdAt: '2026-01-03T00:00:00Z' }]
    },
  }
  context.compute = async () => fake as never
  assert.equal(
    (await snapshotsFound(context)).map(({ name }) => name),
    ['by-hand', 'ours'],
  )
  assert.equal(asked, [['vm', 'boot', 'former']])
})
found('an error about something else is not taken for a VM without a name', async () => {
  const context = contextOn('vm', { vmName: 'vm' })
  context.output = async () => {
    throw external('Google is away', 'wait')
  }
  try {
    await snapshotsFound(context)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'Google is away')
  }
})
found.run()
