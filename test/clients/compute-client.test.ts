import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DisksClient,
  FirewallsClient,
  GlobalOperationsClient,
  InstancesClient,
  type protos,
  SnapshotsClient,
  ZoneOperationsClient,
} from '@google-cloud/compute'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
}

const client = suite<Context>('@google-cloud/compute')

client.before.each(async context => {
  context.lab = await TestLab.start()
  await context.lab.makeInstance()
})
client.after.each(({ lab }) => lab.stop())

function options({ port }: TestLab) {
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: TOKEN })
  // The client bundles its own copy of the auth library, whose types are nominal.
  return {
    apiEndpoint: '127.0.0.1',
    port,
    protocol: 'http',
    projectId: PROJECT,
    authClient: authClient as never,
    fallback: true,
  } as const
}

const where = { project: PROJECT, zone: 'us-east1-b' }
const VM = { ...where, instance: 'threads-lab-vm' }

type Operation = protos.google.cloud.compute.v1.IOperation
type Snapshot = protos.google.cloud.compute.v1.ISnapshot

/** A mutation's operation once it is done; the client's types do not know of `latestResponse`. */
async function done(lab: TestLab, answer: Promise<unknown>, scope: 'zone' | 'global' = 'zone'): Promise<Operation> {
  const [{ latestResponse }] = (await answer) as [{ latestResponse: { name: string } }]
  const operation = latestResponse.name
  const [ended] =
    scope === 'zone'
      ? await new ZoneOperationsClient(options(lab)).wait({ ...where, operation })
      : await new GlobalOperationsClient(options(lab)).wait({ project: PROJECT, operation })
  return ended
}

interface Failure {
  httpStatusCode?: number
  message: string
}

const failure = (promise: Promise<unknown>): Promise<Failure> =>
  promise.then(
    () => ({ message: 'it has not failed' }),
    thrown => thrown as Failure,
  )

const snapshot = (lab: TestLab, name: string, labels: Record<string, string> = {}, requestId?: string) =>
  done(
    lab,
    new DisksClient(options(lab)).createSnapshot({
      ...where,
      disk: 'threads-lab-vm',
      snapshotResource: { name, labels },
      ...(requestId && { requestId }),
    }),
  )

const names = (found: { name?: string | null }[]) => found.map(({ name }) => name)

client('creates and describes snapshots', async ({ lab }) => {
  const operation = await snapshot(lab, 'one', { layer: '00-vpc' }, '7d9c1d0e-0000-4000-8000-000000000002')
  assert.is(operation.status, 'DONE')
  const [found] = await new SnapshotsClient(options(lab)).list({ project: PROJECT, filter: 'labels.layer="00-vpc"' })
  assert.equal(
    found.map(({ name, status, diskSizeGb, labels }) => ({ name, status, diskSizeGb, labels })),
    [{ name: 'one', status: 'READY', diskSizeGb: '50', labels: { layer: '00-vpc' } }],
  )
})

client('filters in both languages', async ({ lab }) => {
  const snapshots = new SnapshotsClient(options(lab))
  await snapshot(lab, 'snapshot-00-vpc-1', { layer: '00-vpc', protect: 'true' })
  await snapshot(lab, 'snapshot-01-k8s-1', { layer: '01-k8s' })
  await snapshot(lab, 'other', {})
  const cases: [string, string[]][] = [
    ['labels.layer="00-vpc"', ['snapshot-00-vpc-1']],
    ['labels.layer:*', ['snapshot-00-vpc-1', 'snapshot-01-k8s-1']],
    ['NOT labels.layer:*', ['other']],
    ['(labels.layer="00-vpc") OR (labels.layer="01-k8s")', ['snapshot-00-vpc-1', 'snapshot-01-k8s-1']],
    ['labels.layer="00-vpc" AND labels.protect="true"', ['snapshot-00-vpc-1']],
    ['labels.layer != "00-vpc"', ['other', 'snapshot-01-k8s-1']],
    ['status = READY AND diskSizeGb >= 50', ['other', 'snapshot-00-vpc-1', 'snapshot-01-k8s-1']],
    ['creationTimestamp < "2001-01-01"', []],
    ['name eq "snapshot-.*"', ['snapshot-00-vpc-1', 'snapshot-01-k8s-1']],
    ['name eq snapshot', []],
    ['name ne ".*-1"', ['other']],
    ['(name eq "snapshot-\\d+-k8s.*")(status eq READY)', ['snapshot-01-k8s-1']],
  ]
  for (const [filter, wanted] of cases) {
    const [found] = await snapshots.list({ project: PROJECT, filter })
    assert.equal(names(found), wanted, filter)
  }
  for (const filter of ['labels.layer', 'name eq other AND status = READY']) {
    assert.is((await failure(snapshots.list({ project: PROJECT, filter }))).httpStatusCode, 400, filter)
  }
})

client('reads thousands in pages of 500', async ({ lab }) => {
  await snapshot(lab, 'first')
  const model = await lab.compute<{ selfLink: string }>('GET', 'global/snapshots/first')
  const seeded = Array.from({ length: 1202 }, (_, index) => {
    const name = `seeded-${String(index).padStart(4, '0')}`
    return { ...model, name, selfLink: model.selfLink.replace('first', name), labels: { parity: index % 2 ? 'odd' : 'even' } }
  })
  await lab.seed('snapshots', seeded)
  const snapshots = new SnapshotsClient(options(lab))
  const [all] = await snapshots.list({ project: PROJECT, maxResults: 500 })
  assert.is(new Set(names(all)).size, 1203)
  const pages: number[] = []
  let pageToken: string | null | undefined
  do {
    const request = { project: PROJECT, maxResults: 500, filter: 'labels.parity=odd OR labels.parity=even', pageToken }
    const [page, , raw] = (await snapshots.list(request as never, { autoPaginate: false })) as unknown as [
      Snapshot[],
      unknown,
      { nextPageToken?: string | null },
    ]
    pages.push(page.length)
    pageToken = raw.nextPageToken
  } while (pageToken)
  assert.equal(pages, [500, 500, 202])
  const [newest] = await snapshots.list(
    { project: PROJECT, orderBy: 'creationTimestamp desc', maxResults: 1 },
    { autoPaginate: false },
  )
  assert.is(newest.length, 1)
  assert.is((await failure(snapshots.list({ project: PROJECT, maxResults: 501 }))).httpStatusCode, 400)
})

client('a name that is taken is 409, a request that is repeated is not', async ({ lab }) => {
  const id = '7d9c1d0e-0000-4000-8000-000000000003'
  const first = await snapshot(lab, 'one', {}, id)
  assert.is((await snapshot(lab, 'one', {}, id)).id, first.id)
  const taken = await failure(snapshot(lab, 'one'))
  assert.equal([taken.httpStatusCode, /already exists/.test(taken.message)], [409, true])
  assert.is((await failure(snapshot(lab, 'two', {}, 'no-uuid'))).httpStatusCode, 400)
})

client('a stale fingerprint is 412; what was read again is taken', async ({ lab }) => {
  await snapshot(lab, 'one', { layer: '00-vpc' })
  const snapshots = new SnapshotsClient(options(lab))
  const [read] = await snapshots.get({ project: PROJECT, snapshot: 'one' })
  const set = (labels: Record<string, string>, labelFingerprint: string | null | undefined) =>
    snapshots.setLabels({
      project: PROJECT,
      resource: 'one',
      globalSetLabelsRequestResource: { labels, labelFingerprint: labelFingerprint ?? '' },
    })
  assert.is((await done(lab, set({ ...read.labels, protect: 'true' }, read.labelFingerprint), 'global')).status, 'DONE')
  assert.is((await failure(set({}, read.labelFingerprint))).httpStatusCode, 412)
  const [again] = await snapshots.get({ project: PROJECT, snapshot: 'one' })
  assert.equal(again.labels, { layer: '00-vpc', protect: 'true' })
  await done(lab, set({}, again.labelFingerprint), 'global')
})

client('says by its status what else is wrong', async ({ lab }) => {
  const [instances, disks] = [new InstancesClient(options(lab)), new DisksClient(options(lab))]
  const firewalls = new FirewallsClient(options(lab))
  const cases: [string, () => Promise<unknown>, number, RegExp][] = [
    ['no such instance', () => instances.get({ ...where, instance: 'nobody' }), 404, /was not found/],
    ['no such zone', () => instances.list({ project: PROJECT, zone: 'mars-1-a' }), 404, /zones\/mars-1-a/],
    ['a disk in use', () => disks.delete({ ...where, disk: 'threads-lab-vm' }), 400, /already being used by/],
    [
      'a label that is none',
      () => disks.insert({ ...where, diskResource: { name: 'd', labels: { A: 'b' } } }),
      400,
      /rules for label keys/,
    ],
    ['a disk too small', () => disks.insert({ ...where, diskResource: { name: 'd', sizeGb: 5 } }), 400, /at least 10/],
    ['a firewall without rules', () => firewalls.insert({ project: PROJECT, firewallResource: { name: 'f' } }), 400, /allowed/],
    [
      'more than the quota',
      () => disks.insert({ ...where, diskResource: { name: 'd', sizeGb: 5000 } }),
      403,
      /Quota 'DISKS_TOTAL_GB' exceeded/,
    ],
  ]
  for (const [what, call, status, message] of cases) {
    const error = await failure(call())
    assert.is(error.httpStatusCode, status, what)
    assert.match(error.message, message)
  }
})

client('a disk has only so many snapshots an hour, as its operation says', async ({ lab }) => {
  for (let index = 0; index < 6; index++) assert.not((await snapshot(lab, `s${index}`)).error)
  const { error, status } = await snapshot(lab, 's6')
  assert.equal([status, error?.errors?.[0]?.code], ['DONE', 'RESOURCE_OPERATION_RATE_EXCEEDED'])
  const gone = await failure(new SnapshotsClient(options(lab)).get({ project: PROJECT, snapshot: 's6' }))
  assert.is(gone.httpStatusCode, 404)
})

client('snapshots are incremental', async ({ lab }) => {
  const disk = join(lab.directory, 'disks', PROJECT, 'us-east1-b', 'threads-lab-vm')
  const bytes = async (name: string) => {
    const [{ storageBytes, downloadBytes }] = await new SnapshotsClient(options(lab)).get({ project: PROJECT, snapshot: name })
    return [Number(storageBytes), Number(downloadBytes)]
  }
  await appendFile(join(disk, 'data'), Buffer.alloc(100_000, 'a'))
  await snapshot(lab, 'one')
  await snapshot(lab, 'two')
  await appendFile(join(disk, 'data'), Buffer.alloc(50_000, 'b'))
  await snapshot(lab, 'three')
  const [[one = 0, whole], two, [three = 0]] = [await bytes('one'), await bytes('two'), await bytes('three')]
  assert.ok(one >= 100_000 && one === whole, `${one}`)
  assert.equal(two, [0, whole])
  assert.ok(three >= 50_000 && three < 60_000, `${three}`)
  await done(lab, new SnapshotsClient(options(lab)).delete({ project: PROJECT, snapshot: 'one' }), 'global')
  // What the next one needs of it is its own from now on.
  assert.equal(await bytes('two'), [whole, whole])
})

client('stops and starts instances', async ({ lab }) => {
  const instances = new InstancesClient(options(lab))
  for (const verb of ['stop', 'start'] as const) {
    assert.is((await done(lab, instances[verb](VM))).operationType, verb)
    const [{ status }] = await instances.get(VM)
    assert.is(status, verb === 'stop' ? 'TERMINATED' : 'RUNNING')
  }
})

client.run()
