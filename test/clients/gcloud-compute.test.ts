// needs: gcloud
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CloudSdk } from './support/cloud-sdk.ts'
import { TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
  sdk: CloudSdk
}

const gcloud = suite<Context>('gcloud compute')

gcloud.before.each(async context => {
  context.lab = await TestLab.start()
  context.sdk = await CloudSdk.for(context.lab)
})
gcloud.after.each(({ lab }) => lab.stop())

const ZONE = 'zones/us-east1-b'
const last = (link: unknown): string => String(link).split('/').at(-1) ?? ''

gcloud('networks, subnetworks and firewall rules', async ({ lab, sdk }) => {
  await sdk.do('compute networks create net --subnet-mode=custom --description=ours')
  await sdk.do('compute networks subnets create subnet --network net --range 10.142.0.0/20 --enable-private-ip-google-access')
  await sdk.do(
    'compute firewall-rules create allow-iap --network net --source-ranges 35.235.240.0/20 --allow tcp:22,tcp:6443 --target-tags k0s',
  )
  const [networks, subnets] = await Promise.all([
    sdk.json<{ name: string; subnetworks: string[]; x_gcloud_subnet_mode: string }[]>('compute networks list'),
    sdk.json<Record<string, unknown>[]>('compute networks subnets list --filter=region:us-east1 --network=net'),
    sdk.do('compute networks subnets update subnet --no-enable-private-ip-google-access'),
    sdk.do('compute firewall-rules update allow-iap --allow tcp:22 --priority=900'),
  ])
  assert.equal(
    networks.map(({ name, subnetworks, x_gcloud_subnet_mode }) => [name, last(subnetworks[0]), x_gcloud_subnet_mode]),
    [['net', 'subnet', 'CUSTOM']],
  )
  assert.is(subnets[0]?.gatewayAddress, '10.142.0.1')
  await sdk.do('compute networks subnets expand-ip-range subnet --prefix-length 19')
  const subnet = await lab.compute('GET', 'regions/us-east1/subnetworks/subnet')
  assert.equal([subnet.privateIpGoogleAccess, subnet.ipCidrRange], [false, '10.142.0.0/19'])
  const rule = await sdk.json<Record<string, unknown>>('compute firewall-rules describe allow-iap')
  assert.equal([rule.allowed, rule.priority], [[{ IPProtocol: 'tcp', ports: ['22'] }], 900])
  assert.match(await sdk.failure('compute networks delete net'), "is already being used by 'projects/web-service-design/")
  await Promise.all([sdk.do('compute firewall-rules delete allow-iap'), sdk.do('compute networks subnets delete subnet')])
  await sdk.do('compute networks delete net')
  assert.equal(await sdk.names('compute networks list'), [])
})

gcloud('a network that makes its own subnetworks', async ({ sdk }) => {
  await sdk.do('compute networks create auto')
  assert.equal(await sdk.names('compute networks subnets list --network=auto --sort-by=region'), ['auto', 'auto'])
  await sdk.do('compute networks delete auto')
})

gcloud('routers with NAT, and addresses', async ({ lab, sdk }) => {
  await lab.done('POST', 'global/networks', { name: 'net' })
  await Promise.all([
    sdk.do('compute routers create router --network net'),
    sdk.do('compute addresses create first second --description=ours'),
  ])
  const nat = 'compute routers nats'
  await sdk.do(`${nat} create nat --router router --auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges --enable-logging`)
  await sdk.do(`${nat} create manual --router router --nat-external-ip-pool first --nat-all-subnet-ip-ranges`)
  const [nats, addresses, status] = await Promise.all([
    sdk.names(`${nat} list --router router`),
    sdk.json<Record<string, unknown>[]>('compute addresses list --sort-by=~name'),
    sdk.json<{ result: { natStatus: object[] } }>('compute routers get-status router'),
    sdk.do(`${nat} update nat --router router --no-enable-logging --min-ports-per-vm=128`),
  ])
  assert.equal(nats, ['nat', 'manual'])
  assert.equal(
    addresses.map(({ name, status, users }) => [name, status, last((users as string[] | undefined)?.[0])]),
    [
      ['second', 'RESERVED', 'undefined'],
      ['first', 'IN_USE', 'router'],
    ],
  )
  assert.is(status.result.natStatus.length, 2)
  const described = await sdk.json<{ minPortsPerVm: number }>(`${nat} describe nat --router router`)
  assert.is(described.minPortsPerVm, 128)
  assert.match(await sdk.failure('compute addresses delete first'), 'is already being used by')
  await sdk.do('compute routers delete router')
  await sdk.do('compute addresses delete first second')
})

gcloud('disks: labels, lists, sizes', async ({ sdk }) => {
  await sdk.do('compute disks create a c --size 20GB --type pd-balanced --labels layer=00-vpc,environment=lab')
  await sdk.do('compute disks create b --image-family debian-12 --image-project debian-cloud')
  const list = 'compute disks list'
  const [labelled, sorted, limited, large] = await Promise.all([
    sdk.names(list, '--filter=labels.layer=00-vpc AND status=READY'),
    sdk.names(`${list} --sort-by=~name`),
    sdk.names(`${list} --sort-by=name --limit=2 --page-size=1`),
    sdk.names(list, '--filter=sizeGb<15 OR name~^c$'),
    sdk.do('compute disks add-labels a --labels x=y'),
  ])
  assert.equal(
    [labelled.sort(), sorted, limited, large.sort()],
    [
      ['a', 'c'],
      ['c', 'b', 'a'],
      ['a', 'b'],
      ['b', 'c'],
    ],
  )
  await Promise.all([
    sdk.do('compute disks update a --update-labels z=w --remove-labels environment'),
    sdk.do('compute disks resize b --size 30GB'),
  ])
  const disk = await sdk.json<Record<string, unknown>>('compute disks describe a')
  assert.equal([disk.labels, disk.sizeGb, last(disk.type)], [{ layer: '00-vpc', x: 'y', z: 'w' }, '20', 'pd-balanced'])
  assert.match(await sdk.failure('compute disks resize b --size 20GB'), "must be larger than existing size '30'")
  assert.match(await sdk.failure('compute disks create a --size 10GB'), 'already exists')
  await sdk.do('compute disks delete a b c')
  assert.equal(await sdk.names(list), [])
})

gcloud('an instance, from its creation to its end', async ({ lab, sdk }) => {
  await lab.makeNetwork()
  const create = [
    'compute instances create vm --machine-type e2-standard-2 --subnet subnet --no-address --provisioning-model SPOT',
    '--instance-termination-action STOP --image-family debian-12 --image-project debian-cloud --boot-disk-size 50GB',
    '--boot-disk-type pd-balanced --boot-disk-device-name boot --tags k0s --labels environment=lab --metadata foo=bar,serial=1',
    '--shielded-secure-boot --shielded-vtpm --shielded-integrity-monitoring --deletion-protection --scopes cloud-platform',
  ]
  await sdk.do(create.join(' '))
  const vm = await sdk.json<Record<string, unknown>>('compute instances describe vm')
  assert.equal(vm.scheduling, {
    automaticRestart: false,
    instanceTerminationAction: 'STOP',
    onHostMaintenance: 'TERMINATE',
    preemptible: true,
    provisioningModel: 'SPOT',
  })
  assert.equal(vm.shieldedInstanceConfig, { enableIntegrityMonitoring: true, enableSecureBoot: true, enableVtpm: true })
  assert.equal([vm.status, vm.deletionProtection, vm.labels], ['RUNNING', true, { environment: 'lab' }])
  assert.equal(vm.serviceAccounts, [
    {
      email: '843216957420-compute@developer.gserviceaccount.com',
      scopes: ['https://www.googleapis.com/auth/cloud-platform'],
    },
  ])
  const [listed, strangers] = await Promise.all([
    sdk.names(
      'compute instances list',
      '--filter=status=RUNNING AND labels.environment=lab AND networkInterfaces[0].networkIP:10.142',
    ),
    sdk.names('compute instances list', '--filter=tags.items=stranger', '--sort-by=~creationTimestamp', '--limit=1'),
    sdk.do('compute instances add-labels vm --labels a=b'),
    sdk.do('compute instances add-metadata vm --metadata x=y'),
    sdk.do('compute instances add-tags vm --tags other'),
  ])
  assert.equal([listed, strangers], [['vm'], []])
  await Promise.all([
    sdk.do('compute instances update vm --update-labels c=d --remove-labels=a'),
    sdk.do('compute instances remove-metadata vm --keys foo'),
    sdk.do('compute instances remove-tags vm --tags k0s'),
  ])
  const changed = await lab.compute<Record<string, { items?: unknown }>>('GET', `${ZONE}/instances/vm`)
  assert.equal(changed.labels, { environment: 'lab', c: 'd' })
  assert.equal(changed.metadata?.items, [
    { key: 'serial', value: '1' },
    { key: 'x', value: 'y' },
  ])
  assert.equal(changed.tags?.items, ['other'])
  assert.match(await sdk.failure('compute instances delete vm'), 'protected against deletion')
  await sdk.do('compute instances update vm --no-deletion-protection')
  await sdk.do('compute instances delete vm')
  assert.equal([await sdk.names('compute disks list'), lab.hypervisor.machines.size], [[], 0])
})

gcloud('the power of an instance, and its disks', async ({ lab, sdk }) => {
  await lab.makeInstance('vm')
  await sdk.do('compute instances reset vm')
  await sdk.do('compute instances stop vm')
  assert.is(lab.hypervisor.machines.size, 0)
  await sdk.do('compute instances set-machine-type vm --machine-type e2-standard-4')
  await sdk.do('compute instances start vm')
  assert.equal((await lab.compute('GET', `${ZONE}/instances/vm`)).status, 'RUNNING')
  assert.match(await sdk.failure('compute instances set-machine-type vm --machine-type e2-standard-2'), 'must be stopped')
  await lab.done('POST', `${ZONE}/disks`, { name: 'data', sizeGb: '10' })
  await sdk.do('compute instances attach-disk vm --disk data --device-name data')
  assert.match(await sdk.failure('compute disks delete data'), 'is already being used by')
  await sdk.do('compute instances set-disk-auto-delete vm --disk data --auto-delete')
  await sdk.do('compute instances detach-disk vm --disk data')
  assert.match(await sdk.gcloud('compute', 'instances', 'get-serial-port-output', 'vm'), 'booting')
  await sdk.do('compute instances simulate-maintenance-event vm')
  assert.equal((await lab.compute('GET', `${ZONE}/instances/vm`)).status, 'TERMINATED')
})

gcloud('snapshots', async ({ lab, sdk }) => {
  await lab.done('POST', `${ZONE}/disks`, { name: 'd', sizeGb: '20' })
  const create = 'compute snapshots create'
  await sdk.do(`${create} one --source-disk d --source-disk-zone us-east1-b --labels layer=00-vpc --storage-location us-east1`)
  await sdk.do('compute disks snapshot d --snapshot-names two --labels layer=01-k8s --description=second')
  const list = 'compute snapshots list'
  const [layer, newest, paged, recent] = await Promise.all([
    sdk.names(list, '--filter=labels.layer="00-vpc"'),
    sdk.names(`${list} --sort-by=~creationTimestamp --limit=1`),
    sdk.names(`${list} --page-size=1`),
    sdk.names(list, '--filter=creationTimestamp>-P1D AND diskSizeGb=20'),
    sdk.do('compute snapshots add-labels one --labels a=b'),
  ])
  assert.equal([layer, newest, paged.sort(), recent.sort()], [['one'], ['two'], ['one', 'two'], ['one', 'two']])
  await sdk.do('compute snapshots update one --update-labels protect=true --remove-labels a')
  const one = await sdk.json<Record<string, unknown>>('compute snapshots describe one')
  assert.equal([one.labels, one.status, one.storageLocations], [{ layer: '00-vpc', protect: 'true' }, 'READY', ['us-east1']])
  await sdk.do('compute disks create restored --source-snapshot one')
  assert.is((await lab.compute('GET', `${ZONE}/disks/restored`)).sourceSnapshotId, one.id)
  await sdk.do('compute snapshots delete one two')
  assert.equal(await sdk.names(list), [])
})

gcloud('images', async ({ lab, sdk }) => {
  await lab.done('POST', `${ZONE}/disks`, { name: 'd', sizeGb: '20' })
  const [publicOnes, described] = await Promise.all([
    sdk.names('compute images list --filter=family=debian-12 --sort-by=name'),
    sdk.json<Record<string, unknown>>('compute images describe-from-family debian-12-arm64 --project debian-cloud'),
    sdk.do('compute images create ours --source-disk d --family fam --labels a=b'),
  ])
  assert.equal(publicOnes, ['debian-12-bookworm-arm64-v20251014', 'debian-12-bookworm-v20251014'])
  assert.is(described.architecture, 'ARM64')
  await Promise.all([
    sdk.do('compute images add-labels ours --labels x=y'),
    sdk.do('compute disks create from-image --image-family fam'),
  ])
  const ours = await sdk.json<Record<string, unknown>[]>('compute images list --no-standard-images')
  assert.equal(
    ours.map(({ name, labels, diskSizeGb }) => [name, labels, diskSizeGb]),
    [['ours', { a: 'b', x: 'y' }, '20']],
  )
  await sdk.do('compute images deprecate ours --state DEPRECATED')
  assert.match(await sdk.failure('compute images describe-from-family fam'), 'was not found')
  await sdk.do('compute images delete ours')
})

gcloud('operations, zones, regions, machine types, quotas', async ({ lab, sdk }) => {
  await lab.makeInstance('vm')
  await lab.done('POST', `${ZONE}/instances/vm/stop`)
  const [stops, operations, zones, regions, types, project] = await Promise.all([
    sdk.json<Record<string, unknown>[]>('compute operations list', '--filter=operationType=stop AND status=DONE'),
    sdk.names('compute operations list --zones us-east1-b --sort-by=~insertTime --limit 2'),
    sdk.names('compute zones list --filter=region:us-east1 --sort-by=name'),
    sdk.json<{ quotas: { metric: string; usage: number }[] }>('compute regions describe us-east1'),
    sdk.names('compute machine-types list --zones us-east1-b', '--filter=name:e2-standard AND guestCpus>4', '--sort-by=~name'),
    sdk.gcloud('compute', 'project-info', 'describe', '--format=value(name)'),
    sdk.do('compute project-info add-metadata --metadata team=ops'),
  ])
  assert.equal([stops.length, last(stops[0]?.targetLink), operations.length], [1, 'vm', 2])
  assert.equal(zones, ['us-east1-b', 'us-east1-c', 'us-east1-d'])
  assert.equal(types, ['e2-standard-8', 'e2-standard-16'])
  assert.is(regions.quotas.find(({ metric }) => metric === 'INSTANCES')?.usage, 1)
  assert.is(project, 'web-service-design\n')
  const operation = await sdk.json<Record<string, unknown>>(`compute operations describe ${stops[0]?.name} --zone us-east1-b`)
  assert.equal([operation.progress, operation.kind], [100, 'compute#operation'])
  const type = await sdk.json<Record<string, unknown>>('compute machine-types describe e2-standard-2')
  assert.equal([type.guestCpus, type.memoryMb, type.zone], [2, 8192, 'us-east1-b'])
  const { commonInstanceMetadata } = await lab.compute<{ commonInstanceMetadata: { items: object[] } }>('GET', '')
  assert.equal(commonInstanceMetadata.items, [{ key: 'team', value: 'ops' }])
})

gcloud.run()
