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

compute('refuses what breaks the rules of a kind', async ({ lab }) => {
  await lab.makeInstance()
  const [net, place] = ['global/networks/net', 'regions/us-east1']
  const firewall = (more: object) => ['global/firewalls', { name: 'f', network: net, ...more }] as const
  const router = (...nats: object[]) => [`${place}/routers`, { name: 'r', network: net, nats }] as const
  const subnet = (more: object) =>
    [`${place}/subnetworks`, { name: 's', network: net, ipCidrRange: '10.0.0.0/24', ...more }] as const
  const instance = (more: object) => [`${ZONE}/instances`, instanceBody('other', more)] as const
  const nat = { name: 'n', natIpAllocateOption: 'AUTO_ONLY', sourceSubnetworkIpRangesToNat: 'ALL_SUBNETWORKS_ALL_IP_RANGES' }
  const cases: [string, readonly [string, object], string][] = [
    ['neither allowed nor denied', firewall({}), 'required'],
    ['both', firewall({ allowed: [{ IPProtocol: 'tcp' }], denied: [{ IPProtocol: 'tcp' }] }), 'invalid'],
    ['no protocol', firewall({ allowed: [{ ports: ['22'] }] }), 'required'],
    ['ports of icmp', firewall({ allowed: [{ IPProtocol: 'icmp', ports: ['1'] }] }), 'invalid'],
    ['a port too large', firewall({ allowed: [{ IPProtocol: 'tcp', ports: ['70000'] }] }), 'invalid'],
    ['a range that is none', firewall({ allowed: [{ IPProtocol: 'tcp' }], sourceRanges: ['10.0.0.0/33'] }), 'invalid'],
    [
      'an egress rule with sources',
      firewall({ direction: 'EGRESS', allowed: [{ IPProtocol: 'tcp' }], sourceTags: ['a'] }),
      'invalid',
    ],
    ['a NAT without a name', router({ ...nat, name: undefined }), 'required'],
    ['two NATs of one name', router(nat, nat), 'invalid'],
    ['a manual NAT without addresses', router({ ...nat, natIpAllocateOption: 'MANUAL_ONLY' }), 'required'],
    ['a NAT with an address that is not there', router({ ...nat, natIps: [`${place}/addresses/none`] }), 'notFound'],
    ['a subnetwork that overlaps', subnet({ ipCidrRange: '10.142.0.0/24' }), 'invalid'],
    ['a subnetwork with host bits', subnet({ ipCidrRange: '10.0.0.1/24' }), 'invalid'],
    ['a subnetwork too small', subnet({ ipCidrRange: '10.0.0.0/30' }), 'invalid'],
    ['an internal address without a subnetwork', [`${place}/addresses`, { name: 'a', addressType: 'INTERNAL' }], 'required'],
    ['spot that restarts', instance({ scheduling: { provisioningModel: 'SPOT', automaticRestart: true } }), 'invalid'],
    ['spot that migrates', instance({ scheduling: { provisioningModel: 'SPOT', onHostMaintenance: 'MIGRATE' } }), 'invalid'],
    ['a termination action without spot', instance({ scheduling: { instanceTerminationAction: 'STOP' } }), 'invalid'],
    ['two service accounts', instance({ serviceAccounts: [{ email: 'a' }, { email: 'b' }] }), 'invalid'],
    ['a tag that is none', instance({ tags: { items: ['Not_One'] } }), 'invalid'],
    ['metadata twice', instance({ metadata: { items: [{ key: 'a' }, { key: 'a' }] } }), 'invalid'],
    ['a machine type that is not there', instance({ machineType: 'zones/us-east1-b/machineTypes/z9' }), 'notFound'],
    ['an image of nothing', ['global/images', { name: 'i' }], 'required'],
    [
      'an image of a disk in use',
      ['global/images', { name: 'i', sourceDisk: `${ZONE}/disks/threads-lab-vm` }],
      'resourceInUseByAnotherResource',
    ],
    ['a disk of an image that is not there', [`${ZONE}/disks`, { name: 'd', sourceImage: 'global/images/none' }], 'notFound'],
  ]
  for (const [what, [path, body], reason] of cases) assert.is((await refusal(lab, 'POST', path, body))[1], reason, what)
})

compute('keeps what was sent, and answers with it', async ({ lab }) => {
  const sent = {
    deletionProtection: true,
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: false, enableIntegrityMonitoring: false },
    scheduling: { provisioningModel: 'SPOT', instanceTerminationAction: 'DELETE', automaticRestart: false },
    resourcePolicies: ['regions/us-east1/resourcePolicies/daily'],
    guestAccelerators: [{ acceleratorCount: 0 }],
    confidentialInstanceConfig: { enableConfidentialCompute: false },
    hostname: 'vm.example.invalid',
  }
  await lab.makeInstance('threads-lab-vm', sent)
  const { scheduling, ...instance } = await lab.compute('GET', VM)
  for (const [field, value] of Object.entries(sent)) if (field !== 'scheduling') assert.equal(instance[field], value, field)
  assert.equal(scheduling, { ...sent.scheduling, preemptible: true, onHostMaintenance: 'TERMINATE' })
  const policies = ['regions/us-east1/resourcePolicies/daily']
  await lab.done('POST', `${ZONE}/disks`, { name: 'd', resourcePolicies: policies, provisionedIops: '3000' })
  const disk = await lab.compute('GET', `${ZONE}/disks/d`)
  assert.equal(disk.resourcePolicies, [`https://www.googleapis.com/compute/v1/projects/${PROJECT}/${policies[0]}`])
  assert.is(disk.provisionedIops, '3000')
})

compute('a preempted machine that is to be deleted is', async ({ lab }) => {
  await lab.makeInstance('threads-lab-vm', { scheduling: { provisioningModel: 'SPOT', instanceTerminationAction: 'DELETE' } })
  await lab.done('POST', `${VM}/simulateMaintenanceEvent`)
  assert.equal(await refusal(lab, 'GET', VM), [404, 'notFound'])
})

compute('has quotas, and says how much of them is used', async ({ lab }) => {
  await lab.makeInstance()
  const quota = async (path: string, metric: string) => {
    const { quotas } = await lab.compute<{ quotas: { metric: string; limit: number; usage: number }[] }>('GET', path)
    return quotas.find(one => one.metric === metric)
  }
  assert.equal(await quota('regions/us-east1', 'SSD_TOTAL_GB'), { metric: 'SSD_TOTAL_GB', limit: 2048, usage: 0 })
  await lab.done('POST', `${ZONE}/disks`, { name: 'd', sizeGb: '100', type: `${ZONE}/diskTypes/pd-balanced` })
  assert.is((await quota('regions/us-east1', 'SSD_TOTAL_GB'))?.usage, 100)
  assert.is((await quota('regions/us-east1', 'PREEMPTIBLE_CPUS'))?.usage, 2)
  await lab.done('POST', `${VM}/stop`)
  assert.is((await quota('regions/us-east1', 'PREEMPTIBLE_CPUS'))?.usage, 0)
  assert.is((await quota('', 'NETWORKS'))?.usage, 1)
  const large = { name: 'e', sizeGb: '2000', type: `${ZONE}/diskTypes/pd-ssd` }
  assert.equal(await refusal(lab, 'POST', `${ZONE}/disks`, large), [403, 'quotaExceeded'])
})

compute('what a project tells all its machines', async ({ lab }) => {
  const items = [{ key: 'ssh-keys', value: 'ops:ssh-ed25519 AAAA' }]
  await lab.done('POST', 'setCommonInstanceMetadata', { items })
  const { commonInstanceMetadata } = await lab.compute<{ commonInstanceMetadata: { items: object[] } }>('GET', '')
  assert.equal(commonInstanceMetadata.items, items)
  const stale = { items: [], fingerprint: 'c3RhbGU=' }
  assert.equal(await refusal(lab, 'POST', 'setCommonInstanceMetadata', stale), [412, 'conditionNotMet'])
  await lab.restart()
  assert.equal(
    (await lab.compute<{ commonInstanceMetadata: { items: object[] } }>('GET', '')).commonInstanceMetadata.items,
    items,
  )
})

compute('images carry a disk on, architecture and all', async ({ lab }) => {
  await lab.makeNetwork()
  const arm = 'projects/debian-cloud/global/images/family/debian-12-arm64'
  await lab.done('POST', `${ZONE}/disks`, { name: 'arm', sourceImage: arm })
  await lab.done('POST', 'global/images', { name: 'one', family: 'ours', sourceDisk: `${ZONE}/disks/arm` })
  await lab.done('POST', 'global/images', { name: 'two', family: 'ours', sourceImage: 'global/images/one' })
  assert.is((await lab.compute('GET', 'global/images/family/ours')).name, 'two')
  await lab.done('POST', 'global/images/two/deprecate', { state: 'DEPRECATED' })
  assert.is((await lab.compute('GET', 'global/images/family/ours')).name, 'one')
  const disks = [{ boot: true, initializeParams: { sourceImage: 'global/images/family/ours' } }]
  const { error } = await lab.done('POST', `${ZONE}/instances`, instanceBody('x86', { disks }))
  assert.match(error?.errors[0]?.message ?? '', 'No bootable device')
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

const MACHINE = `${PROJECT}/us-east1-b/threads-lab-vm`
const afterDown = async (lab: TestLab) => {
  lab.hypervisor.machines.clear()
  await lab.restart([MACHINE])
  const { items } = await lab.compute<{ items: { name: string; operationType: string }[] }>('GET', `${ZONE}/operations`)
  const restart = items.find(({ operationType }) => operationType === 'compute.instances.automaticRestart')
  if (restart) await lab.compute('POST', `${ZONE}/operations/${restart.name}/wait`)
  return { restart, instance: await lab.compute('GET', VM) }
}

compute('boots a machine again that was running when the lab went down', async ({ lab }) => {
  await lab.makeInstance()
  const { restart, instance } = await afterDown(lab)
  assert.ok(restart)
  assert.is(instance.status, 'RUNNING')
  assert.ok(lab.hypervisor.machines.has(MACHINE))
  // It was neither preempted nor stopped.
  const { items } = await lab.compute<{ items: { operationType: string }[] }>('GET', `${ZONE}/operations`)
  assert.not(items.some(({ operationType }) => /preempted|stop|Terminate/.test(operationType)))
})

compute('one that does not boot again is off, with the reason', async ({ lab }) => {
  await lab.makeInstance()
  lab.hypervisor.failure = 'no space left on device'
  const { instance } = await afterDown(lab)
  assert.equal([instance.status, instance.statusMessage], ['TERMINATED', 'The machine does not boot: no space left on device'])
})

compute('one that was off stays off', async ({ lab }) => {
  await lab.makeInstance()
  await lab.done('POST', `${VM}/stop`)
  const { restart, instance } = await afterDown(lab)
  assert.is(restart, undefined)
  assert.is(instance.status, 'TERMINATED')
})

compute('one that is gone is not missed', async ({ lab }) => {
  await lab.makeInstance()
  await lab.done('DELETE', VM)
  await lab.restart([MACHINE])
  assert.equal(await refusal(lab, 'GET', VM), [404, 'notFound'])
})

compute('one that runs is left alone', async ({ lab }) => {
  await lab.makeInstance()
  const before = await lab.compute('GET', VM)
  await lab.restart([MACHINE])
  assert.equal(await lab.compute('GET', VM), before)
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
  const response = await lab.request('POST', '/lab/preempt', { project: PROJECT, instance: 'threads-lab-vm', graceSeconds: 0 })
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
