import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { orphansDeleted, orphansFound } from '../../../../lib/phases/snapshot/orphans.ts'

type OrphanContext = Parameters<ReturnType<typeof orphansDeleted>['run']>[0]

const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s' }
const snapshot = (name: string, day: number, disk: string, url = `https://x/compute/v1/projects/p/zones/z/disks/${disk}`) => ({
  ...{ name, id: name, status: 'READY', labels: OURS, labelFingerprint: 'f', autoCreated: false, sourceDisk: disk },
  ...{ createdAt: `2026-11-0${day}T00:00:00Z`, sourceDiskUrl: url },
})

function worldOf() {
  const left = new Map(
    [snapshot('old', 1, 'gone'), snapshot('placeless', 1, 'gone', 'gone'), snapshot('new', 2, 'there')].map(each => [
      each.name,
      each,
    ]),
  )
  const compute = {
    snapshots: async () => [...left.values()],
    snapshot: async (name: string) => left.get(name),
    deleteSnapshot: async (name: string) => left.delete(name),
  }
  const context = {
    compute: async () => compute,
    environment: { name: 'lab' },
    exists: async (_api: string, path: string) => path === 'projects/p/zones/z/disks/there',
    signal: new AbortController().signal,
    progress: () => undefined,
  } as unknown as OrphanContext
  return { context, left }
}
const outcomeOf = () => ({ deleted: [] as string[], left: [] as { name: string; reason: string }[] })

const orphans = suite('orphans')
orphans('a disk is looked for in its place; one without a place counts as there', async () => {
  const found = await orphansFound(worldOf().context)
  assert.equal(
    found.map(({ snapshot: { name } }) => name),
    ['old'],
  )
})
orphans('are deleted; a second time there are none', async () => {
  const { context, left } = worldOf()
  const phase = orphansDeleted(await orphansFound(context), outcomeOf())
  assert.is((await phase.check(context)).state, 'todo')
  assert.equal(await phase.run(context), { deleted: ['old'] })
  assert.equal([...left.keys()], ['placeless', 'new'])
  assert.is((await phase.check(context)).state, 'done')
})
orphans('none goes that was not announced', async () => {
  const { context, left } = worldOf()
  await orphansDeleted([], outcomeOf()).run(context)
  assert.is(left.size, 3)
})
orphans.run()
