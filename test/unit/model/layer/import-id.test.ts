import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importId } from '../../../../lib/model/layer/import-id.ts'

const ids = suite('importId')
const metadata = [{ name: 'a', namespace: 'n' }]
for (const [why, type, values, expected] of [
  ['a bucket', 'google_storage_bucket', { name: 'b', project: 'p' }, 'b'],
  [
    'a service account',
    'google_service_account',
    { project: 'p', account_id: 'vm' },
    'projects/p/serviceAccounts/vm@p.iam.gserviceaccount.com',
  ],
  ['a secret', 'google_secret_manager_secret', { project: 'p', secret_id: 's' }, 'projects/p/secrets/s'],
  ['a job', 'google_cloud_scheduler_job', { project: 'p', region: 'r', name: 'j' }, 'projects/p/locations/r/jobs/j'],
  [
    'a key, whose ring is a path',
    'google_kms_crypto_key',
    { key_ring: 'projects/p/locations/l/keyRings/r', name: 'k' },
    'projects/p/locations/l/keyRings/r/cryptoKeys/k',
  ],
  [
    'a record',
    'google_dns_record_set',
    { project: 'p', managed_zone: 'z', name: 'a.b.', type: 'A' },
    'projects/p/managedZones/z/rrsets/a.b./A',
  ],
  ['a part that is not known yet', 'google_secret_manager_secret', { secret_id: 's' }, undefined],
  ['a part that is null', 'google_secret_manager_secret', { project: null, secret_id: 's' }, undefined],
  ['a value with a brace in it', 'google_pubsub_topic', { project: '{name}', name: 't' }, 'projects/{name}/topics/t'],
  ['a release', 'helm_release', { name: 'a', namespace: 'n' }, 'n/a'],
  ['a namespace', 'kubernetes_namespace', { metadata: [{ name: 'threads' }] }, 'threads'],
  ['an object in one', 'kubernetes_secret', { metadata }, 'n/a'],
  ['what is no object', 'kubernetes_labels', { labels: {} }, undefined],
  ['a manifest', 'kubectl_manifest', { api_version: 'v1', kind: 'Namespace', name: 'threads' }, 'v1//Namespace//threads'],
  [
    'a manifest in a namespace',
    'kubectl_manifest',
    { api_version: 'apps/v1', kind: 'Deployment', name: 'a', namespace: 'n' },
    'apps/v1//Deployment//a//n',
  ],
  [
    'a kubernetes_manifest',
    'kubernetes_manifest',
    { manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'n' } } },
    'apiVersion=v1,kind=Secret,namespace=n,name=s',
  ],
  [
    'one without a namespace',
    'kubernetes_manifest',
    { manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 's' } } },
    'apiVersion=v1,kind=Namespace,name=s',
  ],
  ['a type that is not known', 'cloudflare_record', { name: 'x' }, undefined],
] as const) {
  ids(why, () => assert.is(importId(type, values as never), expected))
}
ids.run()
