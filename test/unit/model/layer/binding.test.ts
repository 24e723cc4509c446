import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Binding, mismatch } from '../../../../lib/model/layer/binding.ts'

const made: Binding = { layer: '00-vpc', env: 'lab', gitSha: 'a', lineage: 'l', serial: 3 }

const binding = suite('mismatch')
for (const [what, now, expected] of [
  ['nothing has changed', {}, undefined],
  ['another layer', { layer: '01-k8s' }, /of layer 00-vpc, not 01-k8s/],
  ['another environment', { env: 'prod' }, /for lab, not prod/],
  ['another commit', { gitSha: 'b' }, /made at commit a, this is b/],
  ['another state', { lineage: 'm' }, /is another one/],
  ['another state with the same serial', { lineage: 'm', serial: 3 }, /is another one/],
  ['no state', { lineage: '', serial: 0 }, /is gone/],
  ['a later state', { serial: 4 }, /from serial 3 to 4/],
  ['an earlier state', { serial: 2 }, /from serial 3 to 2/],
] as [string, Partial<Binding>, RegExp | undefined][]) {
  binding(what, () => {
    const found = mismatch(made, { ...made, ...now })
    if (expected) assert.match(found ?? '', expected)
    else assert.is(found, undefined)
  })
}
binding.run()
