import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { snapshotProtected } from '../../../../lib/phases/snapshot/protected.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'

type ProtectContext = Parameters<ReturnType<typeof snapshotProtected>['check']>[0]
type Labels = Record<string, string>

const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s' }
const SAFE = { ...OURS, protect: 'true' }

/** @param atWriting its labels when they are written, where they are others by then */
function contextOn(labels: Labels, atWriting: Labels | undefined = labels) {
  const all = [
    { name: 'one', labels },
    { name: 'prods', labels: { ...OURS, environment: 'prod' } },
    { name: 'hands', labels: { environment: 'lab' } },
  ]
  const written: Labels[] = []
  const compute = {
    snapshots: async (wanted: Labels) =>
      all.filter(({ labels: has }) => Object.entries(wanted).every(([name, value]) => has[name] === value)),
    setSnapshotLabels: async (_name: string, change: (found?: { labels: Labels }) => Labels) => {
      written.push(change(atWriting && { labels: atWriting }))
      return true
    },
  }
  return { context: { compute: async () => compute, environment: { name: 'lab' } } as unknown as ProtectContext, written }
}

const checks = suite('snapshotProtected checks')
for (const [why, labels, wanted, expected] of [
  ['one that is not protected', OURS, true, { state: 'todo', changes: ['protect snapshot one'] }],
  ['one that is', SAFE, true, { state: 'done', evidence: SAFE }],
  ['protect=false is not protected', { ...OURS, protect: 'false' }, true, { state: 'todo', changes: ['protect snapshot one'] }],
  ['one that is to go', SAFE, false, { state: 'todo', changes: ['no longer protect snapshot one'] }],
  ['one that may go already', OURS, false, { state: 'done', evidence: OURS }],
] as [string, Labels, boolean, object][])
  checks(why, async () => {
    const { context, written } = contextOn(labels)
    assert.equal(await snapshotProtected('one', wanted).check(context), expected)
    assert.equal(written, [])
  })
for (const [why, name, message] of [
  ['a slip', 'onne', /lab has no snapshot of this toolkit's called onne \(did you mean "one"\?\)/],
  ['another environment’s', 'prods', /called prods$/],
  ['one made by hand', 'hands', /called hands$/],
] as const)
  checks(`refuses ${why}`, async () => {
    const failure = await snapshotProtected(name, true)
      .check(contextOn(OURS).context)
      .catch(error => error as unknown)
    assert.instance(failure, OpsError)
    assert.is((failure as OpsError).code, 4)
    assert.match((failure as OpsError).message, message)
  })
checks.run()

const runs = suite('snapshotProtected runs')
for (const [why, labels, wanted, expected] of [
  ['adds its label to the others', OURS, true, SAFE],
  ['takes it away from them', SAFE, false, OURS],
] as [string, Labels, boolean, Labels][])
  runs(why, async () => {
    const { context, written } = contextOn(labels)
    assert.equal(await snapshotProtected('one', wanted).run(context), { snapshot: 'one', labels: expected })
    assert.equal(written, [expected])
  })
runs('keeps labels that came in between', async () => {
  const { context, written } = contextOn(OURS, { ...OURS, note: 'x' })
  await snapshotProtected('one', true).run(context)
  assert.equal(written, [{ ...SAFE, note: 'x' }])
})
for (const [why, then] of [
  ['is gone', null],
  ['is another’s', {}],
] as [string, Labels | null][])
  runs(`one that ${why} by then is not labelled`, async () => {
    const { context, written } = contextOn(OURS, then ?? undefined)
    if (then === null)
      Object.assign(context, {
        compute: async () => ({
          setSnapshotLabels: async (_: string, change: (f?: object) => Labels) => written.push(change(undefined)),
        }),
      })
    const failure = await snapshotProtected('one', true)
      .run(context)
      .catch(error => error as OpsError)
    assert.is((failure as OpsError).code, 4)
    assert.equal(written, [])
  })
runs.run()
