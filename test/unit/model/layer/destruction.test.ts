import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { destructions } from '../../../../lib/model/layer/destruction.ts'
import { planned } from './fixture.ts'

const found = suite('destructions')
const disk = 'module.vpc.google_compute_disk.boot'
for (const [why, actions, rest, expected] of [
  ['a deletion', ['delete'], {}, ['delete']],
  ['a replacement', ['delete', 'create'], {}, ['replace']],
  ['a replacement, the new one first', ['create', 'delete'], {}, ['replace']],
  ['a replacement of what moved', ['delete', 'create'], { previousAddress: 'google_compute_disk.old' }, ['replace']],
  ['a deposed object', ['delete'], { deposed: 'abcd1234' }, ['delete']],
  ['a creation', ['create'], {}, []],
  ['an update', ['update'], {}, []],
  ['a move', ['no-op'], { previousAddress: 'google_compute_disk.old' }, []],
  ['a `removed` block', ['forget'], {}, []],
  ['a replacement that forgets', ['create', 'forget'], {}, []],
  ['an import', ['no-op'], { importing: { id: 'x' } }, []],
  ['an import that replaces at once', ['delete', 'create'], { importing: { id: 'x' } }, ['replace']],
  ['a data source', ['read'], { mode: 'data' }, []],
] as const) {
  found(why, () =>
    assert.equal(
      destructions([planned(disk, actions, { name: 'd' }, rest)]).map(({ action }) => action),
      expected,
    ),
  )
}
found('the object that goes is named, not the one that comes', () => {
  const replaced = planned(
    disk,
    ['delete', 'create'],
    {},
    { before: { name: 'old', size: 50 }, after: { name: 'new', size: 10 } },
  )
  assert.equal(destructions([replaced]), [
    {
      address: disk,
      type: 'google_compute_disk',
      action: 'replace',
      name: 'old',
      holds: [{ kind: 'disk', name: 'old', sizeGb: 50 }],
    },
  ])
})
found('a type that is not known is destroyed all the same, and holds nothing known', () =>
  assert.equal(destructions([planned('null_resource.setup', ['delete', 'create'], { id: '1' })]), [
    { address: 'null_resource.setup', type: 'null_resource', action: 'replace', name: '1', holds: [] },
  ]),
)
found('a deposed object and its successor are told apart', () =>
  assert.equal(
    destructions([planned(disk, ['update'], { name: 'd' }), planned(disk, ['delete'], { name: 'd' }, { deposed: 'k' })]).map(
      ({ deposed }) => deposed,
    ),
    ['k'],
  ),
)
found('a bucket that is made ready to go with its objects has not gone', () =>
  assert.equal(
    destructions([
      planned('google_storage_bucket.b', ['update'], {}, { before: { force_destroy: false }, after: { force_destroy: true } }),
    ]),
    [],
  ),
)
found.run()
