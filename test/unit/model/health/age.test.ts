import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ageOf, formatAge, isSettling, SETTLING_MS } from '../../../../lib/model/health/age.ts'
import { ago, HOUR, MINUTE, NOW, SECOND } from '../../support/kubernetes.ts'

const ages = suite('ages')
for (const [ms, text] of [
  [0, '0 s'],
  [-5 * SECOND, '0 s'],
  [119_499, '119 s'],
  [2 * MINUTE, '2 min'],
  [119 * MINUTE, '119 min'],
  [2 * HOUR, '2 h'],
  [47 * HOUR, '47 h'],
  [48 * HOUR, '2 d'],
] as const) {
  ages(`${ms} ms read ${text}`, () => assert.is(formatAge(ms), text))
}
ages('from a timestamp', () => assert.is(ageOf(ago(90 * SECOND), NOW), 90_000))
ages('what has no timestamp yet is only coming about', () => assert.is(ageOf(undefined, NOW), 0))
for (const [why, timestamp, expected] of [
  ['just now', ago(0), true],
  ['a clock that is ahead', ago(-MINUTE), true],
  ['the last moment', ago(SETTLING_MS - SECOND), true],
  ['too late', ago(SETTLING_MS), false],
  ['not yet', undefined, true],
  ['no time', 'soon', false],
] as const) {
  ages(`settling: ${why}`, () => assert.is(isSettling(timestamp, NOW), expected))
}
ages.run()
