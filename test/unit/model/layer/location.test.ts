import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { locationOf } from '../../../../lib/model/layer/location.ts'
import type { Values } from '../../../../lib/model/layer/planned.ts'

import { SENSITIVE } from '../../../../lib/model/layer/sensitive.ts'

const DEFAULTS = { project: 'p', region: 'us-east1', zone: 'us-east1-b' }

const location = suite('locationOf')
for (const [why, type, after, expected] of [
  ['a global object', 'google_compute_network', { name: 'n' }, { in: 'compute', path: 'projects/p/global/networks/n' }],
  [
    'a regional one, by the provider’s region',
    'google_compute_subnetwork',
    { name: 's', region: null },
    { in: 'compute', path: 'projects/p/regions/us-east1/subnetworks/s' },
  ],
  [
    'a regional one, by a region that is a path',
    'google_compute_router',
    { name: 'r', region: 'projects/p/regions/asia-east1' },
    { in: 'compute', path: 'projects/p/regions/asia-east1/routers/r' },
  ],
  [
    'a zonal one of another project',
    'google_compute_disk',
    { name: 'd', zone: 'us-east1-c', project: 'q' },
    { in: 'compute', path: 'projects/q/zones/us-east1-c/disks/d' },
  ],
  ['a VM', 'google_compute_instance', { name: 'vm' }, { in: 'compute', path: 'projects/p/zones/us-east1-b/instances/vm' }],
  ['a name that only the apply will know', 'google_compute_disk', {}, undefined],
  [
    'a service account',
    'google_service_account',
    { account_id: 'a' },
    { in: 'iam', path: 'v1/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com' },
  ],
  ['what may be made twice', 'google_project_iam_member', { role: 'r', member: 'm' }, undefined],
  ['a release', 'helm_release', { name: 'argocd', namespace: 'argocd' }, { in: 'helm', namespace: 'argocd', name: 'argocd' }],
  ['a release in the default namespace', 'helm_release', { name: 'x' }, { in: 'helm', namespace: 'default', name: 'x' }],
  [
    'a manifest',
    'kubectl_manifest',
    { yaml_body: 'apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: threads, namespace: argocd}\n' },
    {
      in: 'cluster',
      object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', name: 'threads', namespace: 'argocd' },
    },
  ],
  [
    'a manifest of the kubernetes provider',
    'kubernetes_manifest',
    { manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' } } },
    { in: 'cluster', object: { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', namespace: 'n' } },
  ],
  [
    'an object of a typed resource',
    'kubernetes_namespace',
    { metadata: [{ name: 'threads' }] },
    { in: 'cluster', object: { apiVersion: 'v1', kind: 'Namespace', name: 'threads' } },
  ],
  [
    'the same with a version',
    'kubernetes_config_map_v1',
    { metadata: [{ name: 'c', namespace: 'n' }] },
    { in: 'cluster', object: { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', namespace: 'n' } },
  ],
  [
    'the data of an object that others make',
    'kubernetes_config_map_v1_data',
    { metadata: [{ name: 'c', namespace: 'n' }] },
    undefined,
  ],
  ['a name that is secret', 'google_compute_disk', { name: SENSITIVE }, undefined],
  ['a release of a secret name', 'helm_release', { name: SENSITIVE }, undefined],
  ['a type that is not known here', 'google_pubsub_topic', { name: 't' }, undefined],
  ['what is only deleted', 'google_compute_network', null, undefined],
] as [string, string, Values | null, unknown][]) {
  location(why, () => assert.equal(locationOf({ type, after }, DEFAULTS), expected))
}
location.run()
