import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allows, unmatchedAllowances } from '../../../../lib/model/layer/allowance.ts'

const matches = suite('allows')
for (const [why, pattern, address, expected] of [
  ['an address', 'module.a.x_y.z', 'module.a.x_y.z', true],
  ['not one that it begins', 'module.a.x_y.z', 'module.a.x_y.z2', false],
  ['not one that it ends', 'x_y.z', 'module.a.x_y.z', false],
  ['not an instance of it', 'x_y.z', 'x_y.z[0]', false],
  ['not another case', 'x_y.Z', 'x_y.z', false],
  ['all of a module', 'module.vpc.*', 'module.vpc.module.compute.google_compute_disk.boot[0]', true],
  ['not the next module', 'module.vpc.*', 'module.vpc2.x_y.z', false],
  ['not a module of many', 'module.vpc.*', 'module.vpc["a"].x_y.z', false],
  ['a type', '*.google_compute_disk.*', 'module.vpc.google_compute_disk.boot', true],
  ['everything', '*', 'module.vpc.x_y.z["a b"]', true],
  ['any number of characters', 'x_y.z*', 'x_y.z', true],
  ['all instances', 'x_y.z[*]', 'x_y.z["a"]', true],
  ['all instances, not the resource', 'x_y.z[*]', 'x_y.z', false],
  ['a key', 'x_y.z["a"]', 'x_y.z["a"]', true],
  ['a key with a star in it', 'x_y.z["a*b"]', 'x_y.z["a*b"]', true],
  ['not the key that a star would mean', 'x_y.z["a*b"]', 'x_y.z["a-b"]', false],
  ['a wildcard record is one instance', 'cloudflare_record.this["*"]', 'cloudflare_record.this["*"]', true],
  ['and not all', 'cloudflare_record.this["*"]', 'cloudflare_record.this["www"]', false],
  ['a star outside of a key, behind one', 'module.m["a*"].x_y.*', 'module.m["a*"].x_y.z', true],
  ['a key with an escaped quote', 'x_y.z["a\\"*"]', 'x_y.z["a\\"*"]', true],
  ['not what the star behind an escaped quote would mean', 'x_y.z["a\\"*"]', 'x_y.z["a\\"b"]', false],
  ['a key with a line break under a star', 'x_y.*', 'x_y.z["a\nb"]', true],
  ['a quote that nothing closes: the star is one', 'x_y.z["a-*', 'x_y.z["a-1"]', true],
  ['a dot is a dot', 'module.a', 'module-a', false],
  ['brackets are no class', 'x_y.z[0]', 'x_y.z0', false],
  ['a plus is a plus', 'x_y.z["a+"]', 'x_y.z["aa"]', false],
  ['a question mark is one', 'x_y.z?', 'x_y.z', false],
  ['alternatives are none', 'a|x_y.z', 'x_y.z', false],
  ['nothing', '', 'x_y.z', false],
] as const) {
  matches(why, () => assert.is(allows(pattern, address), expected))
}
matches.run()

const unmatched = suite('unmatchedAllowances')
const destroyed = [{ address: 'module.a.x_y.z' }, { address: 'x_y.w["k"]' }]
unmatched('what means nothing', () =>
  assert.equal(unmatchedAllowances(['module.a.*', 'module.b.*', 'x_y.w'], destroyed), ['module.b.*', 'x_y.w']),
)
unmatched('nothing given', () => assert.equal(unmatchedAllowances([], destroyed), []))
unmatched('nothing destroyed', () => assert.equal(unmatchedAllowances(['*'], []), ['*']))
unmatched.run()
