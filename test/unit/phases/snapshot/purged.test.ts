import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Snapshot } from '../../../../lib/google/compute.ts'
import { snapshotsPurged } from '../../../../lib/phases/snapshot/purged.ts'

type PurgeContext = Parameters<ReturnType<typeof snapshotsPurged>['check']>[0]

const OURS = { 'managed-by': 'threads-ops', environment: 'lab' }
const snapshot = (name: string, labels: Record<string, string> = OURS, more: Partial<Snapshot> = {}) => ({
  name,
  labels,
  autoCreated: false,
  ...more,
})

function contextOn(...snapshots: Pick<Snapshot, 'name' | 'labels' | 'autoCreated'>[]) {
  const deleted: string[] = []
  let left = snapshots
  const compute = {
    snapshots: async (labels: Record<string, string>) =>
      left.filter(each => Object.entries(labels).every(([name, value]) => each.labels[name] === value)),
    deleteSnapshot: async (name: string) => {
      deleted.push(name)
      left = left.filter(each => each.name !== name)
    },
  }
  const context = {
    compute: async () => compute,
    environment: { name: 'lab' },
    progress: () => undefined,
  } as unknown as PurgeContext
  return { context, deleted }
}

const purges = suite('snapshotsPurged')
purges('none is done', async () => {
  assert.equal(await snapshotsPurged().check(contextOn().context), { state: 'done', evidence: [] })
})
purges('a check names what would go and deletes nothing', async () => {
  const { context, deleted } = contextOn(snapshot('a'), snapshot('b'))
  const found = await snapshotsPurged().check(context)
  assert.equal(found, { state: 'todo', changes: ['delete snapshot a', 'delete snapshot b'] })
  assert.equal(deleted, [])
})
purges('deletes them; then it is done', async () => {
  const { context, deleted } = contextOn(snapshot('a'), snapshot('b'))
  assert.equal(await snapshotsPurged().run(context), { deleted: ['a', 'b'] })
  assert.equal(deleted, ['a', 'b'])
  assert.is((await snapshotsPurged().check(context)).state, 'done')
})
for (const [why, kept] of [
  ['of another environment', snapshot('kept', { ...OURS, environment: 'prod' })],
  ['made by somebody else, whatever its name', snapshot('vm-01-k8s-20251101', { environment: 'lab' })],
  ['without labels', snapshot('kept', {})],
  ['of Google’s own schedule', snapshot('kept', OURS, { autoCreated: true })],
  ['that is protected', snapshot('kept', { ...OURS, protect: 'true' })],
] as const) {
  purges(`a snapshot ${why} stays`, async () => {
    const { context, deleted } = contextOn(snapshot('a'), kept)
    assert.equal(await snapshotsPurged().check(context), { state: 'todo', changes: ['delete snapshot a'] })
    await snapshotsPurged().run(context)
    assert.equal(deleted, ['a'])
  })
}
purges('of what was announced nothing else goes', async () => {
  const { context, deleted } = contextOn(snapshot('a'), snapshot('taken-since'))
  const phase = snapshotsPurged({ snapshots: ['a'] })
  await phase.run(context)
  assert.equal(deleted, ['a'])
})
purges.run()
