import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withoutUnset } from '../../lab/google/http/json.ts'
import { instanceBody, PROJECT, TestLab } from './support/lab.ts'
import { violations } from './support/schema.ts'

interface Context {
  lab: TestLab
}

const json = suite<Context>("the stand-in answers as Google's JSON does")

json.before(async context => {
  context.lab = await TestLab.start()
  await context.lab.makeNetwork()
})
json.after(({ lab }) => lab.stop())

const unset: [string, object, object][] = [
  ['null', { a: null, b: { c: null, d: [null, { e: null, f: 1 }] } }, { b: { d: [{ f: 1 }] } }],
  ['an empty enumeration', { scheduling: { provisioningModel: '' }, status: '' }, { scheduling: {} }],
  ['false, zero and an empty list are values', { a: false, b: 0, c: [] }, { a: false, b: 0, c: [] }],
  ["a label's empty value", { labels: { owner: '', a: null } }, { labels: { owner: '' } }],
  ['a metadata item', { metadata: { items: [{ key: 'k', value: '' }] } }, { metadata: { items: [{ key: 'k', value: '' }] } }],
  ["an object's own metadata", { metadata: { note: '' } }, { metadata: { note: '' } }],
]
for (const [what, given, wanted] of unset) json(what, () => assert.equal(withoutUnset(given), wanted))

/** What provider google 7 sends, with everything that it leaves to Google as `null` or empty; and the defaults of that. */
const kinds: { path: string; message: string; sent: object; defaults: object }[] = [
  {
    path: 'global/networks',
    message: 'Network',
    sent: {
      name: 'n',
      autoCreateSubnetworks: false,
      networkFirewallPolicyEnforcementOrder: '',
      routingConfig: null,
      mtu: null,
    },
    defaults: {
      networkFirewallPolicyEnforcementOrder: 'AFTER_CLASSIC_FIREWALL',
      mtu: 1460,
      routingConfig: { routingMode: 'REGIONAL', bgpBestPathSelectionMode: 'LEGACY' },
    },
  },
  {
    path: 'regions/us-east1/subnetworks',
    message: 'Subnetwork',
    sent: {
      ...{ name: 's', network: 'global/networks/net', ipCidrRange: '10.9.0.0/24', purpose: '', stackType: '' },
      ...{ role: '', privateIpv6GoogleAccess: null, secondaryIpRanges: null, logConfig: null, privateIpGoogleAccess: null },
    },
    defaults: {
      ...{ purpose: 'PRIVATE', stackType: 'IPV4_ONLY', privateIpv6GoogleAccess: 'DISABLE_GOOGLE_ACCESS' },
      privateIpGoogleAccess: false,
    },
  },
  {
    path: 'global/firewalls',
    message: 'Firewall',
    sent: {
      ...{ name: 'f', network: 'global/networks/net', allowed: [{ IPProtocol: 'tcp', ports: null }], direction: '' },
      ...{ priority: null, logConfig: null, sourceTags: null, sourceRanges: [], description: '' },
    },
    defaults: {
      direction: 'INGRESS',
      priority: 1000,
      sourceRanges: ['0.0.0.0/0'],
      logConfig: { enable: false },
      disabled: false,
    },
  },
  {
    path: 'regions/us-east1/routers',
    message: 'Router',
    sent: {
      ...{ name: 'r', network: 'global/networks/net', bgp: null, description: '', encryptedInterconnectRouter: null },
      nats: [
        {
          ...{ name: 'nat', natIpAllocateOption: 'AUTO_ONLY', sourceSubnetworkIpRangesToNat: 'ALL_SUBNETWORKS_ALL_IP_RANGES' },
          ...{
            type: '',
            endpointTypes: null,
            autoNetworkTier: '',
            logConfig: null,
            natIps: null,
            subnetworks: null,
            rules: null,
          },
        },
      ],
    },
    defaults: {
      encryptedInterconnectRouter: false,
      nats: [{ type: 'PUBLIC', endpointTypes: ['ENDPOINT_TYPE_VM'], autoNetworkTier: 'PREMIUM' }],
    },
  },
  {
    path: 'regions/us-east1/addresses',
    message: 'Address',
    sent: { name: 'a', addressType: '', networkTier: null, ipVersion: '', purpose: '', address: null, labels: null },
    defaults: { addressType: 'EXTERNAL', networkTier: 'PREMIUM', status: 'RESERVED', ipVersion: 'IPV4' },
  },
  {
    path: 'zones/us-east1-b/disks',
    message: 'Disk',
    sent: {
      name: 'd',
      sizeGb: null,
      type: null,
      accessMode: '',
      labels: null,
      resourcePolicies: null,
      physicalBlockSizeBytes: null,
    },
    defaults: { sizeGb: '500', physicalBlockSizeBytes: '4096', labels: {}, architecture: 'X86_64' },
  },
  {
    path: 'zones/us-east1-b/instances',
    message: 'Instance',
    sent: instanceBody('i', {
      ...{ canIpForward: null, params: null, keyRevocationActionType: '', labels: null, serviceAccounts: null, tags: null },
      ...{ shieldedInstanceConfig: { enableVtpm: null }, displayDevice: null, confidentialInstanceConfig: null },
      scheduling: {
        ...{ automaticRestart: null, preemptible: null, provisioningModel: '', onHostMaintenance: '', maxRunDuration: null },
        ...{ instanceTerminationAction: '', onInstanceStopAction: null, nodeAffinities: null, localSsdRecoveryTimeout: null },
      },
      networkInterfaces: [
        {
          ...{ subnetwork: 'regions/us-east1/subnetworks/subnet', nicType: '', stackType: '', ipv6AccessConfigs: null },
          ...{ networkIP: '', accessConfigs: [{ networkTier: '', natIP: '', publicPtrDomainName: null }] },
        },
      ],
    }),
    defaults: {
      canIpForward: false,
      scheduling: { provisioningModel: 'STANDARD', onHostMaintenance: 'MIGRATE', automaticRestart: true, preemptible: false },
      networkInterfaces: [{ stackType: 'IPV4_ONLY', accessConfigs: [{ networkTier: 'PREMIUM', type: 'ONE_TO_ONE_NAT' }] }],
      shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
      displayDevice: { enableDisplay: false },
    },
  },
  {
    path: 'global/snapshots',
    message: 'Snapshot',
    sent: { name: 'sn', sourceDisk: 'zones/us-east1-b/disks/d', labels: null, storageLocations: null, snapshotType: '' },
    defaults: { storageLocations: ['us'], snapshotType: 'STANDARD', labels: {} },
  },
  {
    path: 'global/images',
    message: 'Image',
    sent: {
      name: 'im',
      sourceDisk: 'zones/us-east1-b/disks/d',
      labels: null,
      storageLocations: null,
      family: '',
      description: null,
    },
    defaults: { storageLocations: ['us'], labels: {} },
  },
]

for (const { path, message, sent, defaults } of kinds) {
  json(`${message}: what is unset takes Google's default`, async ({ lab }) => {
    const { error } = await lab.done('POST', path, sent)
    assert.is(error, undefined)
    const answer = await lab.compute('GET', `${path}/${(sent as { name: string }).name}`)
    assert.equal(violations(message, answer), [])
    assert.equal(answer, merged(answer, defaults))
  })
}

/** The answer with the wanted members in it: equal to the answer when it already has them. */
function merged(answer: unknown, wanted: unknown): unknown {
  if (Array.isArray(wanted)) return wanted.map((element, index) => merged((answer as unknown[])?.[index], element))
  if (typeof wanted !== 'object' || wanted === null) return wanted
  const members = Object.entries(wanted).map(([name, inner]) => [
    name,
    merged((answer as Record<string, unknown>)?.[name], inner),
  ])
  return { ...(answer as object), ...Object.fromEntries(members) }
}

json('settings of an instance that are sent as null or empty', async ({ lab }) => {
  const vm = 'zones/us-east1-b/instances/i'
  await lab.done('POST', `${vm}/setScheduling`, { provisioningModel: '', onHostMaintenance: null, maxRunDuration: null })
  const { scheduling } = await lab.compute('GET', vm)
  assert.equal(scheduling, {
    provisioningModel: 'STANDARD',
    onHostMaintenance: 'MIGRATE',
    automaticRestart: true,
    preemptible: false,
  })
})

json('a PATCH: null removes, and the default takes its place', async ({ lab }) => {
  await lab.done('PATCH', 'global/networks/n', { networkFirewallPolicyEnforcementOrder: null, description: '' })
  const network = await lab.compute('GET', 'global/networks/n')
  assert.equal(violations('Network', network), [])
  assert.is(network.networkFirewallPolicyEnforcementOrder, 'AFTER_CLASSIC_FIREWALL')
  assert.not.ok('description' in network)
})

json('the other services: no null, no empty field', async ({ lab }) => {
  const bucket = { name: 'null-bucket', lifecycle: null, website: null, storageClass: '', labels: { a: '' } }
  const account = { accountId: 'null-account', serviceAccount: { displayName: '', description: null } }
  for (const [path, body] of [
    [`/storage/v1/b?project=${PROJECT}`, bucket],
    [`/v1/projects/${PROJECT}/serviceAccounts`, account],
  ] as const) {
    const response = await lab.request('POST', path, body)
    const text = await response.text()
    assert.is(response.status, 200, text)
    assert.not.match(text, /:null|"(displayName|storageClass)":""/)
  }
})

json.run()
