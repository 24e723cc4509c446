import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Compute, openCompute } from '../../lib/google/compute.ts'
import type { Credentials } from '../../lib/google/credentials.ts'
import { isProtected } from '../../lib/model/snapshot/pruning.ts'
import { pruningOf, snapshotsPruned } from '../../lib/phases/snapshot/pruned.ts'
import type { OpsError } from '../../lib/runtime/errors.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

type PruneContext = Parameters<typeof pruningOf>[0] & Parameters<ReturnType<typeof snapshotsPruned>['run']>[0]

interface Context {
  lab: TestLab
  compute: Compute
  context: PruneContext
}

const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s' }
const SNAPSHOTS = '/compute/v1/projects/*/global/snapshots/*'

const keeping = suite<Context>("a snapshot's labels and end, with Google's client")
keeping.before.each(async context => {
  const lab = await TestLab.start()
  await lab.makeInstance()
  const client = new OAuth2Client()
  client.setCredentials({ access_token: TOKEN })
  const credentials = { client: async () => client } as unknown as Credentials
  const { signal } = new AbortController()
  const endpoint = `${lab.url}/compute/v1/`
  const compute = await openCompute({ project: PROJECT, zone: 'us-east1-b', credentials, signal, endpoint })
  const environment = { name: 'lab', snapshots: { keep: { last: 1, timeZone: 'UTC' } } }
  const world = { compute: async () => compute, environment, signal, now: () => new Date(), progress: () => undefined }
  Object.assign(context, { lab, compute, context: world as unknown as PruneContext })
  for (const name of ['one', 'two', 'three']) await take(lab, name)
})
keeping.after.each(({ lab }) => lab.stop())

/** Of equal times the name decides. */
const take = (lab: TestLab, name: string, labels: Record<string, string> = OURS) =>
  lab.done('POST', 'zones/us-east1-b/disks/threads-lab-vm/createSnapshot', { name, labels })
const fault = async (lab: TestLab, planned: object) =>
  assert.is((await lab.request('POST', '/lab/faults', planned)).status, 200)
const names = async (compute: Compute) => (await compute.snapshots({})).map(({ name }) => name).sort()
const protect = (found?: { labels: Record<string, string> }) => ({ ...found?.labels, protect: 'true' })

keeping('a label is added, the others stay', async ({ compute }) => {
  assert.is(await compute.setSnapshotLabels('one', protect), true)
  assert.equal((await compute.snapshot('one'))?.labels, { ...OURS, protect: 'true' })
  assert.is(await compute.setSnapshotLabels('one', protect), false)
})

keeping('somebody else’s labels of the same moment are kept: 412, read again', async ({ lab, compute }) => {
  let times = 0
  const others = async () => {
    const { labelFingerprint } = await lab.compute<{ labelFingerprint: string }>('GET', 'global/snapshots/one')
    await lab.done('POST', 'global/snapshots/one/setLabels', { labels: { ...OURS, note: 'x' }, labelFingerprint })
  }
  // Between our reading and our writing: the first request to write is held up.
  await fault(lab, { kind: 'delay', ms: 1500, route: `POST ${SNAPSHOTS}/setLabels`, times: 1 })
  const ours = compute.setSnapshotLabels('one', found => {
    times++
    return protect(found)
  })
  while (times === 0) await new Promise(resolve => setTimeout(resolve, 20))
  await new Promise(resolve => setTimeout(resolve, 200))
  await others()
  assert.is(await ours, true)
  assert.is(times, 2)
  assert.equal((await compute.snapshot('one'))?.labels, { ...OURS, note: 'x', protect: 'true' })
})

keeping('a lost answer to the labels is no error', async ({ lab, compute }) => {
  await fault(lab, { kind: 'lost-answer', route: `POST ${SNAPSHOTS}/setLabels`, times: 1 })
  await compute.setSnapshotLabels('one', protect)
  const found = await compute.snapshot('one')
  assert.ok(found && isProtected(found))
})

keeping('a lost answer to a deletion is no error', async ({ lab, compute, context }) => {
  await fault(lab, { kind: 'lost-answer', route: `DELETE ${SNAPSHOTS}`, times: 1 })
  const pruning = await pruningOf(context)
  assert.ok(pruning)
  await snapshotsPruned(pruning).run(context)
  assert.is((await names(compute)).length, 1)
  assert.is((await compute.snapshot(pruning.deleted[0] ?? ''))?.name, undefined)
})

keeping('one that changes between plan and deletion stays; the next run finishes', async ({ compute, context }) => {
  const pruning = await pruningOf(context)
  assert.ok(pruning)
  const doomed = pruning.fates.filter(({ isKept }) => !isKept).map(({ snapshot }) => snapshot.name)
  assert.is(doomed.length, 2)
  const phase = snapshotsPruned(pruning)
  // After the phase has listed them, and before the first one is read again.
  let changed = false
  const client: Compute = {
    ...compute,
    async snapshot(name) {
      if (!changed) {
        changed = true
        await compute.setSnapshotLabels(doomed[1] ?? '', found => ({ ...found?.labels, note: 'x' }))
      }
      return compute.snapshot(name)
    },
  }
  const failure = await phase.run({ ...context, compute: async () => client }).catch(error => error as OpsError)
  assert.is((failure as OpsError).code, 7)
  assert.equal(pruning.deleted, [doomed[0]])
  assert.equal((await names(compute)).length, 2)

  const again = await pruningOf(context)
  assert.ok(again)
  await snapshotsPruned(again).run(context)
  assert.equal(again.deleted, [doomed[1]])
  assert.is((await names(compute)).length, 1)
})

keeping('a deletion that fails leaves the others to go: exit code 7', async ({ lab, compute, context }) => {
  await fault(lab, { kind: 'operation-error', operation: 'delete', code: 'INTERNAL_ERROR', times: 1 })
  const pruning = await pruningOf(context)
  assert.ok(pruning)
  const failure = await snapshotsPruned(pruning)
    .run(context)
    .catch(error => error as OpsError)
  assert.is((failure as OpsError).code, 7)
  assert.equal([pruning.deleted.length, pruning.left.length], [1, 1])
  assert.is((await names(compute)).length, 2)
})
keeping('those of disks by name are found, of whole names only', async ({ compute }) => {
  const of = async (...disks: string[]) => (await compute.snapshotsOfDisks(disks)).map(({ name }) => name).sort()
  assert.equal(await of('threads-lab-vm', 'other'), ['one', 'three', 'two'])
  assert.equal(await of('threads-lab', 'vm'), [])
  assert.equal(await of(), [])
})
keeping.run()
