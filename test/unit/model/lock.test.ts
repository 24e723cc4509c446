import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isStale, LOCK_STALE_MS, lockRecord } from '../../../lib/model/lock.ts'

const stale = suite('isStale')
for (const [why, holder, age, expected] of [
  ['just written', 'unknown', 1000, false],
  ['written just in time', 'unknown', LOCK_STALE_MS, false],
  ['silent', 'unknown', LOCK_STALE_MS + 1, true],
  ['of a store that does not say its time', 'unknown', Number.NaN, false],
  ['killed a moment ago, on this machine', 'ended', 1000, true],
  ['killed, of a store that does not say its time', 'ended', Number.NaN, true],
  ['alive on this machine, but silent, such as one that was stopped', 'runs', 10 * LOCK_STALE_MS, false],
] as const) {
  stale(why, () => assert.is(isStale(holder, age), expected))
}
stale.run()

const RECORD = { holder: 'ann@desk', pid: 7, verb: 'up', since: '2025-11-01T11:00:00Z' }
const WHOLE = { ...RECORD, owner: 'a1', pidSpace: 'boot pid:[1]', startTime: '99' }

const record = suite('lockRecord')
for (const [why, content, expected] of [
  ['whole', JSON.stringify(WHOLE), WHOLE],
  ['of a platform without /proc', JSON.stringify(RECORD), RECORD],
  ['of a version that writes more', JSON.stringify({ ...WHOLE, mood: 'good' }), WHOLE],
  ['what tells runs apart is no text', JSON.stringify({ ...RECORD, owner: 7, pidSpace: null, startTime: {} }), RECORD],
  ['empty', '', undefined],
  ['blank', ' \n', undefined],
  ['null', 'null', undefined],
  ['torn', JSON.stringify(WHOLE).slice(0, 40), undefined],
  ['an empty object', '{}', undefined],
  ['a list', '[]', undefined],
  ['a text', '"locked"', undefined],
  ['a number', '1', undefined],
  ['HTML', '<html></html>', undefined],
  ['Terraform’s', JSON.stringify({ ID: '1', Operation: 'apply', Who: 'ann@desk' }), undefined],
  ['without a holder', JSON.stringify({ ...RECORD, holder: undefined }), undefined],
  ['an empty holder', JSON.stringify({ ...RECORD, holder: '' }), undefined],
  ['a pid that is none', JSON.stringify({ ...RECORD, pid: -1 }), undefined],
  ['a pid that is a text', JSON.stringify({ ...RECORD, pid: '7' }), undefined],
  ['a verb that is none', JSON.stringify({ ...RECORD, verb: ['up'] }), undefined],
  ['no beginning', JSON.stringify({ ...RECORD, since: null }), undefined],
] as const) {
  record(why, () => assert.equal(lockRecord(content), expected))
}
record.run()
