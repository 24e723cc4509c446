import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { durationOption, formatDuration, parseDuration } from '../../../lib/runtime/duration.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'

const durations = suite('parseDuration')
for (const [text, expected] of [
  ['250ms', 250],
  ['90s', 90_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['10', undefined],
  ['1.5h', undefined],
  ['-1s', undefined],
] as const) {
  durations(text, () => assert.is(parseDuration(text), expected))
}
durations.run()

const options = suite('durationOption')
options('a duration', () => assert.is(durationOption('--wait', '90s'), 90_000))
options('anything else is a mistake of usage', () => {
  assert.throws(
    () => durationOption('--wait', 'soon'),
    (error: unknown) => error instanceof OpsError && error.code === 2 && error.message === '--wait: "soon" is not a duration',
  )
})
options.run()

const formatted = suite('formatDuration')
for (const [ms, expected] of [
  [0, '0.0 s'],
  [9_940, '9.9 s'],
  [10_000, '10 s'],
  [119_000, '119 s'],
  [185_000, '3 min 5 s'],
] as const) {
  formatted(`${ms} ms is ${expected}`, () => assert.is(formatDuration(ms), expected))
}
formatted.run()
