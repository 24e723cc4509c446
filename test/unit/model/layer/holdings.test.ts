import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { describeClaims, describeHeld, type Held, heldBy, isData, newest } from '../../../../lib/model/layer/holdings.ts'

const now = new Date('2025-12-01T12:00:00Z')
const manifest = (apiVersion: string, kind: string) => ({
  manifest: { apiVersion, kind, metadata: { name: 'a', namespace: 'n' } },
})
const finalizer = { metadata: { name: 'a', finalizers: ['resources-finalizer.argocd.argoproj.io'] } }

const holds = suite('heldBy')
for (const [why, type, values, expected] of [
  ['a disk with its size', 'google_compute_disk', { name: 'd', size: 50 }, [{ kind: 'disk', name: 'd', sizeGb: 50 }]],
  ['a regional disk', 'google_compute_region_disk', { name: 'd' }, [{ kind: 'disk', name: 'd' }]],
  ['a snapshot', 'google_compute_snapshot', { name: 's' }, [{ kind: 'snapshot', name: 's' }]],
  ['an attachment of a disk is none', 'google_compute_attached_disk', { name: 'd' }, []],
  ['a disk’s resource policy is none', 'google_compute_disk_resource_policy_attachment', { name: 'd' }, []],
  [
    'a VM with a disk of its own life',
    'google_compute_instance',
    { name: 'vm', boot_disk: [{ auto_delete: false, source: 'x/disks/d' }] },
    [{ kind: 'vm', name: 'vm' }],
  ],
  [
    'a VM that takes its inline disk along',
    'google_compute_instance',
    { name: 'vm', boot_disk: [{ auto_delete: true, source: 'https://x/zones/z/disks/vm', initialize_params: [{ size: 30 }] }] },
    [
      { kind: 'vm', name: 'vm' },
      { kind: 'disk', name: 'vm', sizeGb: 30 },
    ],
  ],
  [
    'a VM that takes somebody else’s disk along: `auto_delete` is the default',
    'google_compute_instance',
    { name: 'vm', boot_disk: [{ source: 'x/disks/boot' }] },
    [
      { kind: 'vm', name: 'vm' },
      { kind: 'disk', name: 'boot' },
    ],
  ],
  ['a VM of a template', 'google_compute_instance_from_template', { name: 'vm' }, [{ kind: 'vm', name: 'vm' }]],
  ['a template is no VM', 'google_compute_instance_template', { name: 'vm' }, []],
  ['a group of VMs', 'google_compute_instance_group_manager', { name: 'g' }, [{ kind: 'vm', name: 'g' }]],
  ['a group that only lists VMs', 'google_compute_instance_group', { name: 'g' }, []],
  ['a bucket', 'google_storage_bucket', { name: 'b', force_destroy: false }, [{ kind: 'bucket', name: 'b' }]],
  [
    'a bucket that goes with its objects',
    'google_storage_bucket',
    { name: 'b', force_destroy: true },
    [{ kind: 'bucket', name: 'b', cascades: true }],
  ],
  ['who may read a bucket', 'google_storage_bucket_iam_member', { bucket: 'b', role: 'r', member: 'm' }, []],
  ['a bucket of another service', 'google_logging_project_bucket_config', { bucket_id: 'b' }, []],
  ['an instance of databases', 'google_sql_database_instance', { name: 'db' }, [{ kind: 'database', name: 'db' }]],
  ['a database', 'google_sql_database', { name: 'db' }, [{ kind: 'database', name: 'db' }]],
  ['who may use a database', 'google_spanner_database_iam_binding', { role: 'r', members: [] }, []],
  ['a secret', 'google_secret_manager_secret', { secret_id: 's' }, [{ kind: 'secret', name: 's' }]],
  ['a secret’s version', 'google_secret_manager_secret_version', { name: 'v' }, [{ kind: 'secret', name: 'v' }]],
  ['a version that is only disabled', 'google_secret_manager_secret_version', { name: 'v', deletion_policy: 'DISABLE' }, []],
  ['what is left alone', 'google_project', { project_id: 'p', deletion_policy: 'ABANDON' }, []],
  ['a project', 'google_project', { project_id: 'p' }, [{ kind: 'project', name: 'p' }]],
  ['an API of a project', 'google_project_service', { service: 'x' }, []],
  ['a password that only the state has', 'random_password', { id: 'none' }, [{ kind: 'secret', name: 'none' }]],
  ['a random name is no secret', 'random_id', { id: 'x' }, []],
  ['images', 'google_artifact_registry_repository', { repository_id: 'r' }, [{ kind: 'registry', name: 'r' }]],
  ['a namespace', 'kubernetes_namespace', { metadata: [{ name: 'threads' }] }, [{ kind: 'namespace', name: 'threads' }]],
  [
    'a namespace of the newer type',
    'kubernetes_namespace_v1',
    { metadata: [{ name: 'threads' }] },
    [{ kind: 'namespace', name: 'threads' }],
  ],
  [
    'a claim',
    'kubernetes_persistent_volume_claim',
    { metadata: [{ name: 'p', namespace: 'n' }] },
    [{ kind: 'claim', name: 'n/p' }],
  ],
  [
    'a secret in the cluster',
    'kubernetes_secret',
    { metadata: [{ name: 's', namespace: 'n' }] },
    [{ kind: 'secret', name: 'n/s' }],
  ],
  ['a deployment', 'kubernetes_deployment', { metadata: [{ name: 'd', namespace: 'n' }] }, []],
  ['a release', 'helm_release', { name: 'r', namespace: 'n' }, [{ kind: 'release', name: 'n/r' }]],
  ['a manifest of a namespace', 'kubectl_manifest', { kind: 'Namespace', name: 'a' }, [{ kind: 'namespace', name: 'a' }]],
  ['a manifest that is only applied', 'kubectl_manifest', { kind: 'Namespace', name: 'a', apply_only: true }, []],
  [
    'a manifest of a CRD',
    'kubectl_manifest',
    { kind: 'CustomResourceDefinition', name: 'a.b' },
    [{ kind: 'crd', name: 'a.b' }],
  ],
  ['a manifest of a claim', 'kubernetes_manifest', manifest('v1', 'PersistentVolumeClaim'), [{ kind: 'claim', name: 'a' }]],
  ['a manifest of a config map', 'kubernetes_manifest', manifest('v1', 'ConfigMap'), []],
  [
    'an Application',
    'kubernetes_manifest',
    manifest('argoproj.io/v1alpha1', 'Application'),
    [{ kind: 'application', name: 'a' }],
  ],
  [
    'a set of Applications',
    'kubernetes_manifest',
    manifest('argoproj.io/v1alpha1', 'ApplicationSet'),
    [{ kind: 'application', name: 'a' }],
  ],
  ['an Application of somebody else’s', 'kubernetes_manifest', manifest('app.k8s.io/v1beta1', 'Application'), []],
  ['a project of Argo CD', 'kubernetes_manifest', manifest('argoproj.io/v1alpha1', 'AppProject'), []],
  [
    'an Application that takes along what it deployed',
    'kubernetes_manifest',
    { manifest: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', ...finalizer } },
    [{ kind: 'application', name: 'a', cascades: true }],
  ],
  ['a type that is not known', 'cloudflare_tunnel', { name: 't' }, []],
  ['no values', 'google_compute_disk', null, []],
] as const) {
  holds(why, () => assert.equal(heldBy(type, values as never), expected))
}
holds.run()

const release: Held = { kind: 'release', name: 'argocd/argocd' }
const data = suite('isData')
for (const [why, held, holdings, expected] of [
  ['a disk', { kind: 'disk', name: 'd' }, {}, true],
  ['a release with CRDs', release, { releases: { 'argocd/argocd': { crds: ['x'], claims: [] } } }, true],
  ['a release with a claim', release, { releases: { 'argocd/argocd': { crds: [], claims: ['x'] } } }, true],
  ['a release with neither', release, { releases: { 'argocd/argocd': { crds: [], claims: [] } } }, false],
  ['a release that is not installed', release, { releases: {} }, false],
  ['a release that nobody could look at', release, {}, true],
] as const) {
  data(why, () => assert.is(isData(held, holdings as never), expected))
}
data.run()

const texts = suite('describeHeld')
const snapshots = {
  d: [
    { name: 'older', createdAt: '2025-11-01T00:00:00Z' },
    { name: 'newer', createdAt: '2025-12-01T10:00:00.000+00:00' },
  ],
}
const many = Array.from({ length: 7 }, (_, index) => `c${index}`)
for (const [why, held, holdings, expected] of [
  [
    'a disk, its newest snapshot',
    { kind: 'disk', name: 'd', sizeGb: 50 },
    { snapshots },
    'disk, 50 GB, newest snapshot newer (2 h old)',
  ],
  ['a disk without one', { kind: 'disk', name: 'e', sizeGb: 50 }, { snapshots }, 'disk, 50 GB, no snapshot'],
  ['a disk nobody looked for', { kind: 'disk', name: 'd' }, {}, 'disk, its snapshots are not known'],
  ['a namespace with claims', { kind: 'namespace', name: 'n' }, { claims: { n: ['a', 'b'] } }, 'namespace with claims a, b'],
  ['a namespace without', { kind: 'namespace', name: 'n' }, { claims: {} }, 'namespace with no claims'],
  ['a cluster out of reach', { kind: 'namespace', name: 'n' }, {}, 'namespace with unknown claims'],
  [
    'a release',
    release,
    { releases: { 'argocd/argocd': { crds: many, claims: [] } } },
    'release with CRDs c0, c1, c2, c3, c4 and 2 more',
  ],
  [
    'a release with a claim',
    release,
    { releases: { 'argocd/argocd': { crds: [], claims: ['p'] } } },
    'release with no CRDs and claims p',
  ],
  ['an unknown release', release, {}, 'release with unknown CRDs'],
  ['a bucket', { kind: 'bucket', name: 'b' }, {}, 'bucket'],
  ['a bucket with its objects', { kind: 'bucket', name: 'b', cascades: true }, {}, 'bucket with all its objects'],
  ['an Application', { kind: 'application', name: 'a', cascades: true }, {}, 'Argo CD Application with all that it deployed'],
  ['a VM', { kind: 'vm', name: 'v' }, {}, 'VM'],
] as const) {
  texts(why, () => assert.is(describeHeld(held as Held, holdings as never, now), expected))
}
texts.run()

const threads: Held = { kind: 'namespace', name: 'threads' }
const chart: Held = { kind: 'release', name: 'n/r' }
const goes = suite('describeClaims')
for (const [why, held, holdings, expected] of [
  [
    'a namespace’s claim',
    threads,
    { claims: { threads: ['pg'] } },
    ['namespace threads, and with it the data of its claim pg'],
  ],
  ['several', threads, { claims: { threads: ['pg', 'x'] } }, ['namespace threads, and with it the data of its claims pg, x']],
  ['a namespace without any', threads, { claims: { other: ['pg'] } }, []],
  ['nobody answers', threads, {}, ['namespace threads, and with it the data of its claims: which, nobody can tell now']],
  [
    'a release’s own claims',
    chart,
    { releases: { 'n/r': { crds: [], claims: ['data'] } } },
    ['release n/r, and with it the data of its claim data'],
  ],
  ['a release without any', chart, { releases: { 'n/r': { crds: ['a'], claims: [] } } }, []],
  ['a release that Helm keeps nothing of', chart, { releases: {} }, []],
  ['a release nobody knows of', chart, {}, []],
  ['a claim of the layer’s own', { kind: 'claim', name: 'pg' }, {}, ['volume claim pg, and with it its data']],
  ['what has no claims', { kind: 'secret', name: 's' }, { claims: { s: ['pg'] } }, []],
] as [string, Held, Parameters<typeof describeClaims>[1], string[]][]) {
  goes(why, () => assert.equal(describeClaims([held], holdings), expected))
}
goes.run()

const latest = suite('newest')
latest('times in other zones count as they are', () =>
  assert.is(
    newest([{ createdAt: '2025-12-01T10:00:00Z' }, { createdAt: '2025-12-01T09:30:00-07:00' }])?.createdAt,
    '2025-12-01T09:30:00-07:00',
  ),
)
latest('none', () => assert.is(newest([]), undefined))
latest.run()
