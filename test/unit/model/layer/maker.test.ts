import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applying, makersOf } from '../../../../lib/model/layer/maker.ts'
import type { Values } from '../../../../lib/model/layer/planned.ts'

const manifest = (kind: string) => ({ type: 'kubectl_manifest', attributes: { kind, name: 'it', api_version: 'v1' } as Values })
const typed = { type: 'kubernetes_storage_class_v1', attributes: { metadata: [{ name: 'local-path' }] } as Values }
const untyped = {
  type: 'kubernetes_manifest',
  attributes: {
    manifest: { value: { kind: 'Application', apiVersion: 'argoproj.io/v1alpha1', metadata: { name: 'it' } }, type: 'x' },
  } as Values,
}
const disk = { type: 'google_compute_disk', attributes: { name: 'boot' } as Values }

const makers = suite('the layers that make objects of a kind')
for (const [what, layers, expected] of [
  ['none', [], {}],
  ['what is no object of a cluster', [{ layer: 'a', resources: [disk] }], {}],
  ['by a manifest', [{ layer: 'a', resources: [manifest('StorageClass')] }], { StorageClass: 'a' }],
  ['by another provider', [{ layer: 'a', resources: [untyped] }], { Application: 'a' }],
  ['by a type of its own', [{ layer: 'a', resources: [disk, typed] }], { StorageClass: 'a' }],
  [
    'each by its own',
    [
      { layer: 'a', resources: [typed] },
      { layer: 'b', resources: [manifest('Application')] },
    ],
    { StorageClass: 'a', Application: 'b' },
  ],
] as [string, Parameters<typeof makersOf>[0], Record<string, string>][]) {
  makers(what, () => assert.equal(makersOf(layers), expected))
}
makers('the one that is known is applied, else all of them', () =>
  assert.equal([applying('01-k8s'), applying(undefined)], ['./taskw layer:apply -- 01-k8s', './taskw layer:apply']),
)
makers.run()
