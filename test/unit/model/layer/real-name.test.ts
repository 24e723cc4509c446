import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { manifestObject, realName } from '../../../../lib/model/layer/real-name.ts'

const names = suite('realName')
const yaml = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: threads\n'
for (const [why, type, values, expected] of [
  [
    'a VM',
    'google_compute_instance',
    { name: 'threads-prod-vm', id: 'projects/p/zones/z/instances/threads-prod-vm' },
    'threads-prod-vm',
  ],
  [
    'a service account, the same in plan and state',
    'google_service_account',
    { account_id: 'vm', email: 'vm@p.iam', name: 'projects/p/x' },
    'vm',
  ],
  ['an API', 'google_project_service', { service: 'iap.googleapis.com' }, 'iap.googleapis.com'],
  ['a project', 'google_project', { name: 'Threads', project_id: 'web-service-design' }, 'web-service-design'],
  ['a secret', 'google_secret_manager_secret', { secret_id: 'db', name: 'projects/1/secrets/db' }, 'db'],
  [
    'a secret’s version',
    'google_secret_manager_secret_version',
    { name: 'projects/1/secrets/db/versions/1' },
    'projects/1/secrets/db/versions/1',
  ],
  ['a repository', 'google_artifact_registry_repository', { repository_id: 'threads' }, 'threads'],
  ['a member', 'google_project_iam_member', { role: 'roles/viewer', member: 'user:a@b' }, 'roles/viewer for user:a@b'],
  [
    'members',
    'google_project_iam_binding',
    { role: 'roles/viewer', members: ['user:a@b', 'user:c@d'] },
    'roles/viewer for user:a@b, user:c@d',
  ],
  ['a member that is not known yet', 'google_project_iam_member', { role: 'roles/viewer' }, undefined],
  ['a release', 'helm_release', { name: 'argocd', namespace: 'argocd' }, 'argocd/argocd'],
  ['a release without a namespace', 'helm_release', { name: 'a' }, 'default/a'],
  ['a release’s own metadata is not its name', 'helm_release', { name: 'a', namespace: 'n', metadata: [{ name: 'z' }] }, 'n/a'],
  ['a namespace', 'kubernetes_namespace', { metadata: [{ name: 'threads' }] }, 'threads'],
  [
    'a claim',
    'kubernetes_persistent_volume_claim_v1',
    { metadata: [{ name: 'postgres-pvc', namespace: 'threads' }] },
    'threads/postgres-pvc',
  ],
  ['a generated name', 'kubernetes_secret', { metadata: [{ generate_name: 'a-', namespace: 'threads' }] }, undefined],
  [
    'a manifest by its attributes',
    'kubectl_manifest',
    { kind: 'Deployment', name: 'nextjs', namespace: 'threads' },
    'threads/Deployment/nextjs',
  ],
  [
    'a manifest without a namespace',
    'kubectl_manifest',
    { kind: 'Namespace', name: 'threads', namespace: null },
    'Namespace/threads',
  ],
  ['a manifest by its text', 'kubectl_manifest', { yaml_body: yaml }, 'Namespace/threads'],
  ['a manifest whose text is none', 'kubectl_manifest', { yaml_body: '{{ template }}: [' }, undefined],
  [
    'a kubernetes_manifest',
    'kubernetes_manifest',
    {
      manifest: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'threads', namespace: 'argocd' } },
    },
    'argocd/Application/threads',
  ],
  [
    'an imported one',
    'kubernetes_manifest',
    { manifest: null, object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } } },
    'Namespace/a',
  ],
  [
    'one as a state file has it, with its type',
    'kubernetes_manifest',
    {
      manifest: {
        value: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
        type: ['object', { apiVersion: 'string', kind: 'string', metadata: ['object', { name: 'string' }] }],
      },
    },
    'Namespace/a',
  ],
  ['only an id', 'null_resource', { id: '123' }, '123'],
  ['nothing known yet', 'random_id', {}, undefined],
  ['no values', 'google_compute_disk', null, undefined],
] as const) {
  names(why, () => assert.is(realName(type, values as never), expected))
}
names.run()

const objects = suite('manifestObject')
objects('the API version, which attributes call otherwise', () =>
  assert.equal(manifestObject('kubectl_manifest', { api_version: 'v1', kind: 'Secret', name: 's', namespace: 'n' }), {
    apiVersion: 'v1',
    kind: 'Secret',
    name: 's',
    namespace: 'n',
  }),
)
objects('another type’s manifest is none', () => assert.is(manifestObject('helm_release', { kind: 'X', name: 'y' }), undefined))
objects.run()
