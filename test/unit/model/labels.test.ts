import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isOwnObject, ownLabels, ownObjectLabels } from '../../../lib/model/labels.ts'

const google = suite('ownLabels')
google('of an environment', () =>
  assert.equal(ownLabels({ environment: 'prod' }), { 'managed-by': 'threads-ops', environment: 'prod' }),
)
google('of one of its layers', () =>
  assert.equal(ownLabels({ environment: 'prod', layer: '01-k8s' }), {
    'managed-by': 'threads-ops',
    environment: 'prod',
    layer: '01-k8s',
  }),
)
for (const [what, layer, expected] of [
  ['of any characters that a label has', 'k8s_base-2', /^k8s_base-2$/],
  ['of others', 'K8s.base', /^k8s-base-[0-9a-f]{6}$/],
  ['longer than a label', 'a'.repeat(100), /^a{56}-[0-9a-f]{6}$/],
] as const) {
  google(`of a layer with a name ${what}`, () => assert.match(ownLabels({ environment: 'prod', layer }).layer ?? '', expected))
}
google('layers whose labels would be the same are kept apart', () => {
  const labels = ['k8s-base', 'K8s-base', 'k8s.base', 'K8S.base'].map(layer => ownLabels({ environment: 'prod', layer }).layer)
  assert.is(new Set(labels).size, labels.length)
})
google.run()

const objects = suite('isOwnObject')
for (const [what, labels, expected] of [
  ['what it labels itself', ownObjectLabels, true],
  ['as Terraform labels namespaces, among others', { 'app.kubernetes.io/managed-by': 'threads-ops', app: 'x' }, true],
  ["Helm's", { 'app.kubernetes.io/managed-by': 'Helm' }, false],
  ["Google's form of the label", { 'managed-by': 'threads-ops' }, false],
  ['no labels', undefined, false],
] as const) {
  objects(what, () => assert.is(isOwnObject(labels), expected))
}
objects.run()
