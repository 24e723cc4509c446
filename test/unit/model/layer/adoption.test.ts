import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { conflicts, stateLock, strandedReleases } from '../../../../lib/model/layer/adoption.ts'
import { importId } from '../../../../lib/model/layer/import-id.ts'
import { type PlannedResource, typeOf } from '../../../../lib/model/layer/planned.ts'
import { planned } from './fixture.ts'

const error = (summary: string, detail = '', address: string | undefined = 'module.m.r.n') => ({
  summary,
  detail,
  ...(address !== undefined && { address }),
})

/** Of what exists already, what can be imported. */
const importable = (errors: Parameters<typeof conflicts>[0], plan?: readonly PlannedResource[]) =>
  conflicts(errors, plan).flatMap(({ address, id }) => (id === undefined ? [] : [{ address, id }]))

const adopts = suite('conflicts that can be imported')
for (const [why, summary, expected] of [
  [
    'a global resource',
    "Error creating Network: googleapi: Error 409: The resource 'projects/p/global/networks/n' already exists, alreadyExists",
    'projects/p/global/networks/n',
  ],
  [
    'a zonal one',
    "Error creating Disk: googleapi: Error 409: The resource 'projects/p/zones/z/disks/d' already exists, alreadyExists",
    'projects/p/zones/z/disks/d',
  ],
  [
    'a service account',
    'Error creating service account: googleapi: Error 409: Service account vm already exists within project projects/p., alreadyExists',
    'projects/p/serviceAccounts/vm@p.iam.gserviceaccount.com',
  ],
  ['any other conflict', 'googleapi: Error 409: The resource is being used, resourceInUse', undefined],
] as const) {
  adopts(why, () => assert.equal(importable([error(summary)]), expected ? [{ address: 'module.m.r.n', id: expected }] : []))
}
adopts('an error without an address tells nothing', () =>
  assert.equal(importable([{ summary: "The resource 'projects/p/x' already exists", detail: '' }]), []),
)
adopts('a Helm release of that name', () =>
  assert.equal(strandedReleases([error('cannot re-use a name that is still in use')]), [{ address: 'module.m.r.n' }]),
)
adopts('a part of another resource, whose message has no path', () =>
  assert.equal(
    conflicts([error('Unable to create RouterNat, existing object already found: map[name:n]')]).map(({ address }) => address),
    ['module.m.r.n'],
  ),
)
adopts.run()

const met = suite('conflicts')
const at = (type: string) => `module.m.${type}.this`
const nat = { project: 'p', region: 'r', router: 'router', name: 'nat' }
const gone = 'googleapi: Error 409'
for (const [why, type, values, said, expected] of [
  [
    'a network',
    'google_compute_network',
    { name: 'n' },
    `${gone}: The resource 'projects/p/global/networks/n' already exists, alreadyExists`,
    'projects/p/global/networks/n',
  ],
  [
    'an address, whose path knows its region',
    'google_compute_address',
    { name: 'a' },
    `${gone}: The resource 'projects/p/regions/r/addresses/a' already exists, alreadyExists`,
    'projects/p/regions/r/addresses/a',
  ],
  [
    'a VM',
    'google_compute_instance',
    { name: 'vm' },
    `${gone}: The resource 'projects/p/zones/z/instances/vm' already exists, alreadyExists`,
    'projects/p/zones/z/instances/vm',
  ],
  [
    'a VM’s disk is not the VM, though it has its name',
    'google_compute_instance',
    { name: 'vm' },
    `${gone}: The resource 'projects/p/zones/z/disks/vm' already exists, alreadyExists`,
    false,
  ],
  [
    'another object than the one to be made',
    'google_compute_network',
    { name: 'n' },
    `${gone}: The resource 'projects/p/global/networks/m' already exists, alreadyExists`,
    false,
  ],
  [
    'a part of another resource',
    'google_compute_router_nat',
    nat,
    'Unable to create RouterNat, existing object already found: map[name:nat]',
    'projects/p/regions/r/routers/router/nat',
  ],
  [
    'a service account, without the plan',
    'google_service_account',
    undefined,
    `${gone}: Service account vm already exists within project projects/p., alreadyExists`,
    'projects/p/serviceAccounts/vm@p.iam.gserviceaccount.com',
  ],
  [
    'a bucket of ours',
    'google_storage_bucket',
    { name: 'b' },
    `${gone}: Your previous request to create the named bucket succeeded and you already own it., conflict`,
    'b',
  ],
  [
    'in the older words',
    'google_storage_bucket',
    { name: 'b' },
    `${gone}: You already own this bucket. Please select another name., conflict`,
    'b',
  ],
  [
    'a bucket of somebody else’s',
    'google_storage_bucket',
    { name: 'b' },
    `${gone}: The requested bucket name is not available. The bucket namespace is shared by all users of the system., conflict`,
    false,
  ],
  [
    'a secret, by the project’s id rather than the number that the message has',
    'google_secret_manager_secret',
    { project: 'p', secret_id: 's' },
    `${gone}: Secret [projects/435468002770/secrets/s] already exists.`,
    'projects/p/secrets/s',
  ],
  [
    'a secret, without the plan',
    'google_secret_manager_secret',
    undefined,
    `${gone}: Secret [projects/435468002770/secrets/s] already exists.`,
    'projects/435468002770/secrets/s',
  ],
  [
    'a job',
    'google_cloud_scheduler_job',
    undefined,
    `${gone}: Job projects/p/locations/l/jobs/start already exists.`,
    'projects/p/locations/l/jobs/start',
  ],
  [
    'a key ring',
    'google_kms_key_ring',
    undefined,
    `${gone}: KeyRing projects/p/locations/l/keyRings/k already exists.`,
    'projects/p/locations/l/keyRings/k',
  ],
  [
    'a repository',
    'google_artifact_registry_repository',
    { project: 'p', location: 'l', repository_id: 'r' },
    `${gone}: the repository already exists`,
    'projects/p/locations/l/repositories/r',
  ],
  [
    'a database',
    'google_sql_database_instance',
    { project: 'p', name: 'db' },
    `${gone}: The Cloud SQL instance already exists., instanceAlreadyExists`,
    'projects/p/instances/db',
  ],
  [
    'a zone',
    'google_dns_managed_zone',
    { project: 'p', name: 'z' },
    `${gone}: The resource 'entity.managedZone' named 'z' already exists, alreadyExists`,
    'projects/p/managedZones/z',
  ],
  [
    'a topic',
    'google_pubsub_topic',
    { project: 'p', name: 't' },
    `${gone}: Resource already exists in the project (resource=t).`,
    'projects/p/topics/t',
  ],
  [
    'a dataset, without the plan',
    'google_bigquery_dataset',
    undefined,
    `${gone}: Already Exists: Dataset p:d, duplicate`,
    'projects/p/datasets/d',
  ],
  [
    'a role, whose message has the project’s path alone',
    'google_project_iam_custom_role',
    undefined,
    `${gone}: A role named r in projects/p already exists.`,
    undefined,
  ],
  [
    'a role that the provider found',
    'google_project_iam_custom_role',
    undefined,
    'Custom project role projects/p/roles/r already exists and must be imported',
    'projects/p/roles/r',
  ],
  [
    'a namespace',
    'kubernetes_namespace',
    { metadata: [{ name: 'threads' }] },
    'namespaces "threads" already exists',
    'threads',
  ],
  [
    'an object in one',
    'kubernetes_deployment',
    { metadata: [{ name: 'a', namespace: 'n' }] },
    'Failed to create deployment: deployments.apps "a" already exists',
    'n/a',
  ],
  ['without the plan', 'kubernetes_namespace', undefined, 'namespaces "threads" already exists', undefined],
  [
    'a manifest',
    'kubernetes_manifest',
    { manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'n' } } },
    'Cannot create resource that already exists\nresource "n/s" already exists',
    'apiVersion=v1,kind=Secret,namespace=n,name=s',
  ],
  [
    'a manifest that another client made meanwhile',
    'kubectl_manifest',
    { api_version: 'v1', kind: 'Namespace', name: 'a' },
    'a failed to run apply options: namespaces "a" already exists',
    'v1//Namespace//a',
  ],
  [
    'what is only going',
    'kubernetes_namespace',
    { metadata: [{ name: 'a' }] },
    'object is being deleted: namespaces "a" already exists',
    false,
  ],
  [
    'a release',
    'helm_release',
    { name: 'a', namespace: 'n' },
    'installation failed\ncannot re-use a name that is still in use',
    'n/a',
  ],
  [
    'a release, two installations at once',
    'helm_release',
    { name: 'a', namespace: 'n' },
    'create: failed to create: secrets "sh.helm.release.v1.a.v1" already exists',
    'n/a',
  ],
  ['an object in the release', 'helm_release', { name: 'a', namespace: 'n' }, 'services "a" already exists', false],
  [
    'an object of another release',
    'helm_release',
    { name: 'a', namespace: 'n' },
    'rendered manifests contain a resource that already exists. Unable to continue with install: Service "x" in namespace "n" exists and cannot be imported into the current release: invalid ownership metadata',
    false,
  ],
  ['an API is never in the way', 'google_project_service', { service: 'x' }, 'Error 409: x already exists', false],
  [
    'nor is a member',
    'google_project_iam_member',
    { role: 'r', member: 'm' },
    'Error 409: There were concurrent policy changes. The policy already exists',
    false,
  ],
  [
    'what a program says',
    'google_compute_instance',
    { name: 'vm' },
    'local-exec provisioner error\nmkdir: a: File already exists',
    false,
  ],
  ['what a resource that runs programs says', 'null_resource', { id: '1' }, 'a: File already exists', false],
  [
    'somebody else’s provider',
    'cloudflare_record',
    { name: 'x' },
    'An A, AAAA, or CNAME record with that host already exists. (81053)',
    undefined,
  ],
  ['a resource in use', 'google_compute_network', { name: 'n' }, `${gone}: The resource is being used, resourceInUse`, false],
  ['a quota', 'google_compute_network', { name: 'n' }, 'Error 403: Quota exceeded', false],
] as const) {
  met(why, () => {
    const address = at(type)
    const plan = values === undefined ? [] : [planned(address, ['create'], values as never)]
    const [summary = '', ...detail] = said.split('\n')
    const found = conflicts([error(summary, detail.join('\n'), address)], plan)
    assert.equal(
      found.map(({ id }) => id),
      expected === false ? [] : [expected],
    )
    assert.equal(
      importable([error(summary, detail.join('\n'), address)], plan),
      typeof expected === 'string' ? [{ address, id: expected }] : [],
    )
  })
}
met('its planned name', () =>
  assert.equal(
    conflicts(
      [error('already exists', '', at('cloudflare_record'))],
      [planned(at('cloudflare_record'), ['create'], { name: 'x' })],
    ),
    [{ address: at('cloudflare_record'), name: 'x' }],
  ),
)
met('a deposed object under the same address says nothing of it', () => {
  const old = planned(at('kubernetes_namespace'), ['delete'], { metadata: [{ name: 'old' }] }, { deposed: 'k' })
  const coming = planned(at('kubernetes_namespace'), ['create'], { metadata: [{ name: 'new' }] })
  assert.equal(importable([error('namespaces "new" already exists', '', at('kubernetes_namespace'))], [old, coming]), [
    { address: at('kubernetes_namespace'), id: 'new' },
  ])
})
met.run()

const nested = suite('import ids of parts of other resources')
for (const [why, address, expected] of [
  ['in a module', 'module.networking.google_compute_router_nat.this', 'projects/p/regions/r/routers/router/nat'],
  ['in the root', 'google_compute_router_nat.this', 'projects/p/regions/r/routers/router/nat'],
  ['of several', 'module.n["a.b"].google_compute_router_nat.this["x"]', 'projects/p/regions/r/routers/router/nat'],
  [
    'of several, whose key looks like an address',
    'google_compute_router_nat.this["a]b.c_d.e"]',
    'projects/p/regions/r/routers/router/nat',
  ],
  ['of a type that is not known', 'module.n.google_compute_route.this', undefined],
] as const) {
  nested(why, () => assert.is(importId(typeOf(address), nat), expected))
}
nested('not while a part of the id is not known', () =>
  assert.is(importId(typeOf('google_compute_router_nat.this'), { project: 'p', name: 'nat' }), undefined),
)
nested.run()

const locks = suite('stateLock')
const detail = `writing "gs://b/00-vpc/state/default.tflock" failed: googleapi: Error 412: conditionNotMet
Lock Info:
  ID:        1764000000000001
  Path:      gs://b/00-vpc/state/default.tflock
  Operation: OperationTypeApply
  Who:       ann@desk
  Version:   1.11.4
  Created:   2025-11-01 12:00:00.000 +0000 UTC
  Info:

Terraform acquires a state lock to protect the state`
locks('its holder', () =>
  assert.equal(stateLock([error('Error acquiring the state lock', detail)]), {
    id: '1764000000000001',
    who: 'ann@desk',
    created: '2025-11-01 12:00:00.000 +0000 UTC',
  }),
)
locks('none where the bucket refuses to write one', () =>
  assert.is(
    stateLock([
      error(
        'Error acquiring the state lock',
        'googleapi: Error 403: Access denied., forbidden\n* storage: object does not exist',
      ),
    ]),
    undefined,
  ),
)
locks('another error', () => assert.is(stateLock([error('Error creating Network')]), undefined))
locks.run()
