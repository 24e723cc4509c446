import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { baseName, creates, destroys, typeOf } from '../../../../lib/model/layer/planned.ts'
import { planned } from './fixture.ts'

const types = suite('typeOf')
for (const [why, address, expected] of [
  ['in the root', 'google_compute_disk.boot', 'google_compute_disk'],
  ['in modules', 'module.vpc.module.compute.google_compute_disk.boot', 'google_compute_disk'],
  ['counted', 'a_b.c[0]', 'a_b'],
  ['in a module for each', 'module.n["a.b"].a_b.c', 'a_b'],
  ['a key that looks like an address', 'a_b.c["module.x.y_z.w"]', 'a_b'],
  ['a key with brackets and an escaped quote', 'a_b.c["x]\\"[y"]', 'a_b'],
  ['a hyphen in its name', 'a_b.c-d', 'a_b'],
  ['a name alone', 'boot', ''],
  ['nothing', '', ''],
] as const) {
  types(why, () => assert.is(typeOf(address), expected))
}
types.run()

const changes = suite('creates and destroys')
for (const [why, actions, rest, created, destroyed] of [
  ['nothing to do', ['no-op'], {}, false, false],
  ['an update', ['update'], {}, false, false],
  ['a creation', ['create'], {}, true, false],
  ['an import', ['create'], { importing: { id: 'x' } }, false, false],
  ['a deletion', ['delete'], {}, false, true],
  ['a replacement', ['delete', 'create'], {}, true, true],
  ['a replacement, the new one first', ['create', 'delete'], {}, true, true],
  ['a `removed` block', ['forget'], {}, false, false],
  ['a replacement of what is forgotten', ['create', 'forget'], {}, true, false],
  ['a move', ['no-op'], { previousAddress: 'a_b.before' }, false, false],
  ['a data source', ['read'], { mode: 'data' }, false, false],
  ['a data source that goes', ['delete'], { mode: 'data' }, false, false],
] as const) {
  changes(why, () => {
    const resource = planned('a_b.c', actions, {}, rest)
    assert.equal([creates(resource), destroys(resource)], [created, destroyed])
  })
}
changes.run()

const names = suite('baseName')
for (const [path, expected] of [
  ['https://www.googleapis.com/compute/v1/projects/p/zones/z/disks/d', 'd'],
  ['d', 'd'],
  ['', ''],
] as const) {
  names(path || '(empty)', () => assert.is(baseName(path), expected))
}
names.run()
