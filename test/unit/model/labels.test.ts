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
