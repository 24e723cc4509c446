import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type K0sVersion, parseVersion, versionChange } from '../../../../lib/model/k0s/version.ts'

const parses = suite('parseVersion')
for (const [text, expected] of [
  ['v1.34.1+k0s.0', { major: 1, minor: 34, patch: 1, pre: '', build: 0, suffix: '' }],
  ['v1.9.10+k0s.12', { major: 1, minor: 9, patch: 10, pre: '', build: 12, suffix: '' }],
  ['1.34.1+k0s.0', undefined],
  ['v1.34.1', undefined],
  ['v1.34.1-rc.1+k0s.0', { major: 1, minor: 34, patch: 1, pre: 'rc.1', build: 0, suffix: '' }],
  ['v1.29.9+k0s.0-ec.0', { major: 1, minor: 29, patch: 9, pre: '', build: 0, suffix: 'ec.0' }],
  ['v1.34.1+rke2r1', undefined],
  ['v1.34+k0s.0', undefined],
  ['', undefined],
] as const) {
  parses(text || 'nothing', () => assert.equal(parseVersion(text), expected))
}
parses.run()

const changes = suite('versionChange')
for (const [from, to, expected] of [
  ['v1.34.1+k0s.0', 'v1.34.1+k0s.0', 'same'],
  ['v1.34.1+k0s.0', 'v1.34.1+k0s.1', 'upgrade'],
  ['v1.34.9+k0s.0', 'v1.34.10+k0s.0', 'upgrade'],
  ['v1.33.4+k0s.0', 'v1.34.0+k0s.0', 'upgrade'],
  ['v1.32.9+k0s.0', 'v1.34.0+k0s.0', 'skips a minor'],
  ['v1.34.0+k0s.0', 'v2.0.0+k0s.0', 'skips a minor'],
  ['v1.34.1+k0s.1', 'v1.34.1+k0s.0', 'downgrade'],
  ['v1.34.0+k0s.0', 'v1.33.9+k0s.0', 'downgrade'],
  ['v1.35.0-rc.1+k0s.0', 'v1.34.3+k0s.0', 'downgrade'],
  ['v1.35.0-rc.1+k0s.0', 'v1.35.0+k0s.0', 'upgrade'],
  ['v1.35.0+k0s.0', 'v1.35.0-rc.1+k0s.0', 'downgrade'],
  ['v1.35.0-rc.2+k0s.0', 'v1.35.0-rc.10+k0s.0', 'upgrade'],
  ['v1.35.0-rc.1+k0s.0', 'v1.35.0-beta.2+k0s.0', 'downgrade'],
  ['v1.35.0-alpha+k0s.0', 'v1.35.0-alpha.1+k0s.0', 'upgrade'],
  ['v1.35.0-1+k0s.0', 'v1.35.0-alpha+k0s.0', 'upgrade'],
  ['v1.34.9+k0s.0-ec.0', 'v1.34.3+k0s.0', 'downgrade'],
  ['v1.34.3+k0s.0-ec.0', 'v1.34.3+k0s.0', 'upgrade'],
  ['v1.34.3+k0s.0-ec.1', 'v1.34.3+k0s.0-ec.0', 'downgrade'],
  ['v1.34.3+k0s.0-ec.0', 'v1.34.3+k0s.0-ec.0', 'same'],
  ['v1.31.0-rc.2+k0s.0', 'v1.34.3+k0s.0', 'skips a minor'],
] as const) {
  changes(`${from} → ${to}`, () => {
    assert.is(versionChange(parseVersion(from) as K0sVersion, parseVersion(to) as K0sVersion), expected)
  })
}
changes.run()
