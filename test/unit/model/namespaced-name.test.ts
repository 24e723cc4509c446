import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { namespacedName, objectName, parseNamespacedName } from '../../../lib/model/namespaced-name.ts'

const names = suite('namespaced names')
names('are taken apart', () =>
  assert.equal(parseNamespacedName('threads/postgres'), { namespace: 'threads', name: 'postgres' }),
)
names('are put together from an object', () =>
  assert.is(namespacedName({ metadata: { namespace: 'threads', name: 'postgres' } }), 'threads/postgres'),
)
names.run()

const objects = suite('objectName')
for (const [what, name, expected] of [
  ['of a namespaced object', { namespace: 'threads', name: 'postgres' }, 'threads/Claim/postgres'],
  ['of one that has no namespace', { name: 'postgres' }, 'Claim/postgres'],
] as const) {
  objects(what, () => assert.is(objectName('Claim', name), expected))
}
objects.run()
