import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Snapshot } from '../../../../lib/google/compute.ts'
import { type Pruning, pruningOf, snapshotsPruned } from '../../../../lib/phases/snapshot/pruned.ts'
import { external, OpsError } from '../../../../lib/runtime/errors.ts'

type PruneContext = Parameters<ReturnType<typeof snapshotsPruned>['check']>[0]

const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s' }
const snapshot = (name: string, day: number, more: Partial<Snapshot> = {}) =>
  ({
    ...{ name, id: `id-${name}`, status: 'READY', labels: OURS, labelFingerprint: 'f', autoCreated: false },
    ...{ createdAt: `2026-11-0${day}T00:00:00Z`, sourceDisk: 'vm-boot', ...more },
  }) as Snapshot

interface World {
  snapshots?: Snapshot[]
  policy?: boolean
  /** Called before each snapshot is read, to change the world. */
  meanwhile?(left: Map<string, Snapshot>): void
  fails?: string
}

function worldOf({ snapshots = [1, 2, 3].map(day => snapshot(`s${day}`, day)), policy = true, meanwhile, fails }: World = {}) {
  const left = new Map(snapshots.map(each => [each.name, each]))
  const deleted: string[] = []
  const compute = {
    snapshots: async (labels: Record<string, string>) =>
      [...left.values()].filter(each => Object.entries(labels).every(([name, value]) => each.labels[name] === value)),
    snapshot: async (name: string) => {
      meanwhile?.(left)
      return left.get(name)
    },
    deleteSnapshot: async (name: string) => {
      if (name === fails) throw external('the quota is used up', 'wait')
      deleted.push(name)
      left.delete(name)
    },
  }
  const context = {
    compute: async () => compute,
    environment: { name: 'lab', snapshots: policy ? { keep: { last: 1, timeZone: 'UTC' } } : {} },
    now: () => new Date('2026-11-29T00:00:00Z'),
    signal: new AbortController().signal,
    progress: () => undefined,
    log: { warn: () => undefined },
  } as unknown as PruneContext
  return { context, deleted }
}
const planned = async (context: PruneContext): Promise<Pruning> => {
  const pruning = await pruningOf(context)
  assert.ok(pruning)
  return pruning
}
const failureOf = (run: Promise<unknown>): Promise<OpsError | undefined> =>
  run.then(
    () => undefined,
    error => {
      if (error instanceof OpsError) return error
      throw error
    },
  )

const prunes = suite('snapshotsPruned')
prunes('nothing without a policy', async () => assert.is(await pruningOf(worldOf({ policy: false }).context), undefined))
prunes('a check says what goes and why, and deletes nothing', async () => {
  const { context, deleted } = worldOf()
  assert.equal(await snapshotsPruned(await planned(context)).check(context), {
    state: 'todo',
    changes: ['delete snapshot s2 (last: 1 are newer)', 'delete snapshot s1 (last: 1 are newer)'],
  })
  assert.equal(deleted, [])
})
prunes('deletes it; a second time there is nothing to do', async () => {
  const { context, deleted } = worldOf()
  assert.equal(await snapshotsPruned(await planned(context)).run(context), { deleted: ['s2', 's1'] })
  assert.equal(deleted, ['s2', 's1'])
  assert.is((await snapshotsPruned(await planned(context)).check(context)).state, 'done')
})
prunes('only what was announced', async () => {
  const { context, deleted } = worldOf()
  const pruning = await planned(context)
  const seen = { ...pruning, fates: pruning.fates.filter(({ snapshot }) => snapshot.name !== 's1') }
  await snapshotsPruned(seen).run(context)
  assert.equal(deleted, ['s2'])
})
prunes('of a project’s other snapshots none is looked at', async () => {
  const prod = snapshot('prod', 1, { labels: { ...OURS, environment: 'prod' } })
  const { context, deleted } = worldOf({ snapshots: [prod, snapshot('hand', 1, { labels: {} }), snapshot('s2', 2)] })
  assert.equal(await snapshotsPruned(await planned(context)).check(context), { state: 'done', evidence: [] })
  assert.equal(deleted, [])
})
const PROTECTED = { labels: { ...OURS, protect: 'true' }, labelFingerprint: 'g' }
for (const [why, change, expected, left] of [
  ['was protected', (s: Snapshot) => Object.assign({}, s, PROTECTED), ['s1'], 's2: it is protected now'],
  ['is another one', (s: Snapshot) => ({ ...s, id: 'other' }), ['s1'], 's2: another one has its name now'],
  ['was labelled', (s: Snapshot) => ({ ...s, labelFingerprint: 'g' }), ['s1'], 's2: its labels were changed'],
  ['is going', (s: Snapshot) => ({ ...s, status: 'DELETING' }), ['s1'], 's2: it is DELETING now'],
  ['is gone', () => undefined, ['s1'], undefined],
] as [string, (s: Snapshot) => Snapshot | undefined, string[], string | undefined][])
  prunes(`one that ${why} since the plan ${left ? 'stays, and the others go' : 'is no error'}`, async () => {
    const { context, deleted } = worldOf({
      meanwhile: all => {
        const found = all.get('s2')
        const changed = found?.labelFingerprint === 'f' ? change(found) : found
        if (changed) all.set('s2', changed)
        else all.delete('s2')
      },
    })
    const failure = await failureOf(snapshotsPruned(await planned(context)).run(context))
    assert.equal(deleted, expected)
    assert.is(failure?.code, left && 7)
    if (left) assert.match(failure?.message ?? '', left)
  })
prunes('what fails stays, the others go: exit code 7, and a repeat finishes', async () => {
  const world: World = { fails: 's2' }
  const { context, deleted } = worldOf(world)
  const pruning = await planned(context)
  const failure = await failureOf(snapshotsPruned(pruning).run(context))
  assert.is(failure?.code, 7)
  assert.match(failure?.message ?? '', '1 of 2 snapshots that were to be deleted are still there:\n  s2: the quota is used up')
  assert.equal([pruning.deleted, pruning.left.map(({ name }) => name)], [['s1'], ['s2']])
  assert.equal(deleted, ['s1'])
})
for (const [why, lose] of [
  ['is gone', (all: Map<string, Snapshot>) => all.delete('s3')],
  ['is not READY', (all: Map<string, Snapshot>) => all.set('s3', snapshot('s3', 3, { status: 'DELETING' }))],
] as [string, (all: Map<string, Snapshot>) => unknown][])
  prunes(`none goes while the one that is kept ${why}`, async () => {
    const { context, deleted } = worldOf({ meanwhile: lose })
    const failure = await failureOf(snapshotsPruned(await planned(context)).run(context))
    assert.equal(deleted, [])
    assert.match(failure?.message ?? '', 's2: none of those that are to be left instead is there')
  })
prunes.run()
