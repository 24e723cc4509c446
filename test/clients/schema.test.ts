import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { instanceBody, TestLab } from './support/lab.ts'
import { violations } from './support/schema.ts'

interface Context {
  lab: TestLab
}

const schema = suite<Context>("Compute API: answers follow Google's schema")

schema.before(async context => {
  const lab = await TestLab.start()
  context.lab = lab
  await lab.makeInstance('threads-lab-vm', {
    labels: { environment: 'lab' },
    tags: { items: ['k0s'] },
    serviceAccounts: [{ email: 'default', scopes: ['https://www.googleapis.com/auth/cloud-platform'] }],
    scheduling: { provisioningModel: 'SPOT', instanceTerminationAction: 'STOP' },
    networkInterfaces: [{ subnetwork: 'regions/us-east1/subnetworks/subnet', accessConfigs: [{}] }],
  })
  await lab.done('POST', 'regions/us-east1/addresses', { name: 'ip' })
  await lab.done('POST', 'regions/us-east1/routers', {
    name: 'router',
    network: 'global/networks/net',
    nats: [{ name: 'nat', natIpAllocateOption: 'AUTO_ONLY', sourceSubnetworkIpRangesToNat: 'ALL_SUBNETWORKS_ALL_IP_RANGES' }],
  })
  await lab.done('POST', 'zones/us-east1-b/disks', { name: 'd', sizeGb: '10', labels: { a: 'b' } })
  await lab.done('POST', 'zones/us-east1-b/disks/d/createSnapshot', { name: 's', labels: { a: 'b' } })
  await lab.done('POST', 'global/images', { name: 'i', sourceDisk: 'zones/us-east1-b/disks/d' })
  // One that fails: its error has a schema too.
  lab.hypervisor.failure = 'kernel panic'
  await lab.done('POST', 'zones/us-east1-b/instances', instanceBody('broken'))
  lab.hypervisor.failure = undefined
})
schema.after(({ lab }) => lab.stop())

/** Every kind: where it is listed, the name of one, and the message that Google's client has of it. */
const kinds: [string, string, string][] = [
  ['global/networks', 'net', 'Network'],
  ['regions/us-east1/subnetworks', 'subnet', 'Subnetwork'],
  ['global/firewalls', 'allow-iap', 'Firewall'],
  ['regions/us-east1/routers', 'router', 'Router'],
  ['regions/us-east1/addresses', 'ip', 'Address'],
  ['zones/us-east1-b/disks', 'd', 'Disk'],
  ['zones/us-east1-b/instances', 'threads-lab-vm', 'Instance'],
  ['global/snapshots', 's', 'Snapshot'],
  ['global/images', 'i', 'Image'],
  ['zones', 'us-east1-b', 'Zone'],
  ['regions', 'us-east1', 'Region'],
  ['zones/us-east1-b/machineTypes', 'e2-standard-2', 'MachineType'],
  ['zones/us-east1-b/diskTypes', 'pd-balanced', 'DiskType'],
]

interface List {
  kind: string
  id: string
  selfLink: string
  items: { id: string; kind: string; name: string; selfLink: string; creationTimestamp: string }[]
}

for (const [path, name, message] of kinds) {
  schema(path, async ({ lab }) => {
    const [list, one] = [await lab.compute<List>('GET', path), await lab.compute('GET', `${path}/${name}`)]
    assert.equal(violations(message, one), [])
    assert.equal(
      list.items.find(item => item.name === name),
      one,
    )
    const kind = `compute#${message.charAt(0).toLowerCase()}${message.slice(1)}`
    assert.equal([one.kind, list.kind], [kind, `${kind}List`])
    for (const { id, selfLink, creationTimestamp } of list.items) {
      assert.match(id, /^\d+$/)
      assert.ok(selfLink.startsWith('https://www.googleapis.com/compute/v1/projects/'), selfLink)
      assert.match(creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[78]:00$/)
    }
  })
}

schema('operations, good and bad', async ({ lab }) => {
  for (const scope of ['global', 'regions/us-east1', 'zones/us-east1-b']) {
    const { items } = await lab.compute<{ items: object[] }>('GET', `${scope}/operations`)
    assert.ok(items.length > 0)
    assert.equal(
      items.flatMap(item => violations('Operation', item)),
      [],
    )
  }
})

schema('the project, and the answers that are no resources', async ({ lab }) => {
  const vm = 'zones/us-east1-b/instances/threads-lab-vm'
  const cases: [string, string][] = [
    ['', 'Project'],
    [`${vm}/serialPort?start=3`, 'SerialPortOutput'],
    ['regions/us-east1/routers/router/getRouterStatus', 'RouterStatusResponse'],
    ['regions/us-east1/routers/router/getNatMappingInfo', 'VmEndpointNatMappingsList'],
    ['aggregated/instances', 'InstanceAggregatedList'],
    ['aggregated/machineTypes', 'MachineTypeAggregatedList'],
    ['aggregated/operations', 'OperationAggregatedList'],
  ]
  for (const [path, message] of cases) {
    assert.equal(violations(message, await lab.compute('GET', path)), [], path)
  }
})

schema('the check itself finds what is wrong', () => {
  const wrong = {
    id: 7,
    name: 'n',
    status: 'ASLEEP',
    labels: { a: 1 },
    disks: [{ index: '0' }],
    deletionProtection: 'no',
    colour: 'red',
  }
  assert.equal(violations('Instance', wrong), [
    'Instance.id: 7 is no uint64',
    'Instance.status: ASLEEP is none of its values',
    'Instance.labels.a: 1 is no string',
    'Instance.disks[0].index: 0 is no int32',
    'Instance.deletionProtection: no is no bool',
    'Instance.colour: there is no such field',
  ])
})

schema.run()
