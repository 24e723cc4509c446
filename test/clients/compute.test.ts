import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { instanceBody, PROJECT, TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
}

const compute = suite<Context>('Compute API')

compute.before.each(async context => {
  context.lab = await TestLab.start()
})
compute.after.each(({ lab }) => lab.stop())

const ZONE = 'zones/us-east1-b'
const VM = `${ZONE}/instances/threads-lab-vm`

interface Failure {
  error: { code: number; message: string; errors: { reason: string }[] }
}

/** Status and reason of a request that is refused. */
async function refusal(lab: TestLab, method: string, path: string, body?: object): Promise<[number, string | undefined]> {
  const response = await lab.request(method, `/compute/v1/projects/${PROJECT}/${path}`, body)
  const { error } = (await response.json()) as Failure
  return [response.status, error.errors[0]?.reason]
}

compute('lets nobody in without the token', async ({ lab }) => {
  assert.is((await lab.request('GET', `/compute/v1/projects/${PROJECT}/zones`, undefined, 'wrong')).status, 401)
  assert.is((await fetch(`${lab.url}/storage/v1/b?project=${PROJECT}`)).status, 401)
})

compute('describes an instance as Google does', async ({ lab }) => {
  await lab.makeInstance('threads-lab-vm', { labels: { environment: 'lab' }, somethingNew: { kept: true } })
  const instance = await lab.compute('GET', VM)
  assert.match(String(instance.id), /^\d+$/)
  assert.match(String(instance.creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[78]:00$/)
  assert.is(instance.selfLink, `https://www.googleapis.com/compute/v1/projects/${PROJECT}/${VM}`)
  assert.is(instance.status, 'RUNNING')
  assert.equal(instance.somethingNew, { kept: true })
  const [nic] = instance.networkInterfaces as { networkIP: string }[]
  assert.is(nic?.networkIP, '10.142.0.2')
  assert.equal([...lab.hypervisor.machines.keys()], [`${PROJECT}/us-east1-b/threads-lab-vm`])
  const disk = await lab.compute('GET', `${ZONE}/disks/threads-lab-vm`)
  assert.equal(disk.users, [instance.selfLink])
})

compute('stops, starts, and deletes an instance with its own disk', async ({ lab }) => {
  await lab.makeInstance()
  await lab.done('POST', `${VM}/stop`)
  assert.is((await lab.compute('GET', VM)).status, 'TERMINATED')
  assert.is(lab.hypervisor.machines.size, 0)
  await lab.done('POST', `${VM}/start`)
  assert.is((await lab.compute('GET', VM)).status, 'RUNNING')
  await lab.done('POST', `${VM}/setDiskAutoDelete?deviceName=persistent-disk-0&autoDelete=true`)
  await lab.done('DELETE', VM)
  assert.equal(await refusal(lab, 'GET', VM), [404, 'notFound'])
  assert.equal(await refusal(lab, 'GET', `${ZONE}/disks/threads-lab-vm`), [404, 'notFound'])
})

compute('refuses what Google refuses', async ({ lab }) => {
  await lab.makeInstance()
  const network = { name: 'net', autoCreateSubnetworks: false }
  const cases: [string, string, object | undefined, number, string][] = [
    ['POST', 'global/networks', network, 409, 'alreadyExists'],
    ['POST', 'global/networks', { name: 'Wrong_Name' }, 400, 'invalid'],
    ['POST', 'global/networks', {}, 400, 'required'],
    ['DELETE', 'global/networks/net', undefined, 400, 'resourceInUseByAnotherResource'],
    ['DELETE', `${ZONE}/disks/threads-lab-vm`, undefined, 400, 'resourceInUseByAnotherResource'],
    ['POST', `${ZONE}/disks`, { name: 'd', labels: { Wrong: 'x' } }, 400, 'invalid'],
    ['POST', `${ZONE}/disks`, { name: 'd', sourceSnapshot: 'global/snapshots/none' }, 404, 'notFound'],
    ['POST', `${ZONE}/disks/threads-lab-vm/resize`, { sizeGb: '20' }, 400, 'invalid'],
    ['POST', `${VM}/setLabels`, { labels: {}, labelFingerprint: 'stale' }, 412, 'conditionNotMet'],
    ['POST', `${VM}/setServiceAccount`, {}, 400, 'operationNotAllowed'],
    ['GET', 'zones/mars-1-a/instances', undefined, 404, 'notFound'],
    ['GET', 'global/snapshots?maxResults=501', undefined, 400, 'invalid'],
    ['GET', 'global/snapshots?filter=name', undefined, 400, 'invalid'],
  ]
  for (const [method, path, body, status, reason] of cases) {
    assert.equal(await refusal(lab, method, path, body), [status, reason], `${method} ${path}`)
  }
})

compute('protects an instance from deletion', async ({ lab }) => {
  await lab.makeInstance('threads-lab-vm', { deletionProtection: true })
  assert.equal(await refusal(lab, 'DELETE', VM), [400, 'invalidResourceUsage'])
  await lab.done('POST', `${VM}/setDeletionProtection?deletionProtection=false`)
  await lab.done('DELETE', VM)
})

compute('reports a machine that does not boot as its operation', async ({ lab }) => {
  lab.hypervisor.failure = 'kernel panic'
  await lab.makeInstance()
  const { items = [] } = await lab.compute<{ items?: { operationType: string; error?: object }[] }>('GET', `${ZONE}/operations`)
  assert.match(JSON.stringify(items.find(({ operationType }) => operationType === 'insert')?.error), 'kernel panic')
  assert.equal(await refusal(lab, 'GET', VM), [404, 'notFound'])
  assert.equal(await refusal(lab, 'GET', `${ZONE}/disks/threads-lab-vm`), [404, 'notFound'])
})

compute('does not boot a disk on another architecture', async ({ lab }) => {
  await lab.makeInstance()
  const arm = 'projects/debian-cloud/global/images/family/debian-12-arm64'
  await lab.done('POST', `${ZONE}/disks`, { name: 'arm', sourceImage: arm })
  await lab.done('POST', `${ZONE}/disks/arm/createSnapshot`, { name: 'arm' })
  await lab.done('POST', `${ZONE}/disks`, { name: 'again', sourceSnapshot: 'global/snapshots/arm' })
  const body = instanceBody('x86', { disks: [{ boot: true, source: `${ZONE}/disks/again` }] })
  const { error } = await lab.done('POST', `${ZONE}/instances`, body)
  assert.match(error?.errors[0]?.message ?? '', 'No bootable device')
})

compute('snapshots a disk once per request id and restores it', async ({ lab }) => {
  await lab.makeInstance()
  const create = `${ZONE}/disks/threads-lab-vm/createSnapshot?requestId=7d9c1d0e-0000-4000-8000-000000000001`
  const first = await lab.done('POST', create, { name: 'one', labels: { layer: '00-vpc' } })
  assert.equal(await lab.done('POST', create, { name: 'one', labels: { layer: '00-vpc' } }), first)
  const snapshot = await lab.compute('GET', 'global/snapshots/one')
  assert.is(snapshot.status, 'READY')
  assert.is(snapshot.diskSizeGb, '50')
  assert.is(snapshot.storageBytesStatus, 'UP_TO_DATE')
  await lab.done('POST', `${ZONE}/disks`, { name: 'restored', sourceSnapshot: 'global/snapshots/one' })
  assert.is((await lab.compute('GET', `${ZONE}/disks/restored`)).sourceSnapshotId, snapshot.id)
  await lab.done('POST', 'global/snapshots', { name: 'two', sourceDisk: `${ZONE}/disks/threads-lab-vm` })
  assert.is((await lab.compute('GET', 'global/snapshots/two')).sourceDiskId, snapshot.sourceDiskId)
  await lab.done('DELETE', 'global/snapshots/one')
  assert.equal(await refusal(lab, 'GET', 'global/snapshots/one'), [404, 'notFound'])
})

compute('keeps its state over a restart and notices what died meanwhile', async ({ lab }) => {
  await lab.makeInstance()
  const before = await lab.compute('GET', VM)
  await lab.restart()
  assert.equal(await lab.compute('GET', VM), before)
  lab.hypervisor.machines.clear()
  await lab.restart()
  assert.is((await lab.compute('GET', VM)).status, 'TERMINATED')
})

compute('notices the death of a spot machine as a preemption', async ({ lab }) => {
  await lab.makeInstance()
  lab.hypervisor.machines.clear()
  await sleep(1500)
  assert.is((await lab.compute('GET', VM)).status, 'TERMINATED')
  const filter = encodeURIComponent('operationType="compute.instances.preempted"')
  const { items } = await lab.compute<{ items: { targetLink: string }[] }>('GET', `${ZONE}/operations?filter=${filter}`)
  assert.is(items.length, 1)
  assert.match(items[0]?.targetLink ?? '', /threads-lab-vm$/)
})

compute('preempts on demand', async ({ lab }) => {
  await lab.makeInstance()
  const response = await lab.request('POST', '/lab/preempt', { instance: 'threads-lab-vm', graceSeconds: 0 })
  assert.is(response.status, 200)
  const { name } = (await response.json()) as { name: string }
  await lab.compute('POST', `${ZONE}/operations/${name}/wait`)
  assert.is((await lab.compute('GET', VM)).status, 'TERMINATED')
  await lab.done('POST', `${VM}/start`)
  assert.is(lab.hypervisor.machines.size, 1)
})

compute('pages stably while snapshots come and go', async ({ lab }) => {
  await lab.done('POST', `${ZONE}/disks`, { name: 'd' })
  const create = (name: string) => lab.done('POST', `${ZONE}/disks/d/createSnapshot`, { name })
  for (const name of ['b', 'd', 'f']) await create(name)
  type Page = { items: { name: string }[]; nextPageToken?: string }
  const first = await lab.compute<Page>('GET', 'global/snapshots?maxResults=2')
  assert.equal(
    first.items.map(({ name }) => name),
    ['b', 'd'],
  )
  await lab.done('DELETE', 'global/snapshots/b')
  await create('e')
  const second = await lab.compute<Page>('GET', `global/snapshots?maxResults=2&pageToken=${first.nextPageToken}`)
  assert.equal(
    second.items.map(({ name }) => name),
    ['e', 'f'],
  )
  assert.is(second.nextPageToken, undefined)
})

compute.run()
