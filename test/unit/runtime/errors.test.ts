import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asOpsError,
  configuration,
  exitCodes,
  external,
  interrupted,
  messageOf,
  OpsError,
  partial,
  precondition,
  systemCode,
  timedOut,
  unhealthy,
  usage,
} from '../../../lib/runtime/errors.ts'

const kinds = suite('kinds of failures')
for (const [name, kind, code] of [
  ['usage', usage, 2],
  ['configuration', configuration, 3],
  ['precondition', precondition, 4],
  ['external', external, 5],
  ['unhealthy', unhealthy, 6],
  ['partial', partial, 7],
  ['timedOut', timedOut, 124],
  ['interrupted', interrupted, 130],
] as const) {
  kinds(`${name} ends with ${code}`, () => {
    const cause = new Error('below')
    const error = kind('what happened', 'what to do', cause)
    assert.equal([error.code, error.message, error.hint], [code, 'what happened', 'what to do'])
    assert.is(error.cause, cause)
    assert.is(asOpsError(error), error)
  })
}
kinds('a stranger is a bug, and keeps its cause', () => {
  const stranger = new TypeError('x is not a function')
  const error = asOpsError(stranger)
  assert.ok(error instanceof OpsError)
  assert.equal([error.code, error.message], [exitCodes.bug, 'x is not a function'])
  assert.is(error.cause, stranger)
})
for (const thrown of [
  Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
  new Error('Command failed: cp a b\ncp: error writing b: No space left on device'),
]) {
  kinds(`a full disk is none: ${thrown.message.split('\n')[0]}`, () => {
    const error = asOpsError(thrown)
    assert.equal([error.code, error.message], [exitCodes.precondition, thrown.message])
    assert.match(error.hint, 'make room')
  })
}
kinds('a quota of Google’s is no full disk', () =>
  assert.is(asOpsError(new Error("Quota exceeded for quota metric 'Queries'")).code, exitCodes.bug),
)
kinds.run()

const refused = (address: string) => Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' })
const texts = suite('messageOf')
for (const [why, thrown, expected] of [
  ['an error', new Error('boom'), 'boom'],
  ['a text', 'boom', 'boom'],
  ['nothing', undefined, 'undefined'],
  [
    'both addresses of a name refused, of which Node says nothing',
    new AggregateError([refused('::1:443'), refused('127.0.0.1:443')]),
    'connect ECONNREFUSED ::1:443; connect ECONNREFUSED 127.0.0.1:443',
  ],
  ['an empty message', Object.assign(new Error(), { code: 'EPIPE' }), 'EPIPE'],
  ['an empty message without a code', new RangeError(), 'RangeError'],
] as const) {
  texts(why, () => assert.is(messageOf(thrown), expected))
}
texts.run()

const codes = suite('systemCode')
for (const [why, thrown, expected] of [
  ['a system error', Object.assign(new Error('no'), { code: 'ENOENT' }), 'ENOENT'],
  ['another one', new Error('no'), undefined],
  ['a text', 'no', undefined],
  ['nothing', undefined, undefined],
  ['null', null, undefined],
] as const) {
  codes(why, () => assert.is(systemCode(thrown), expected))
}
codes.run()
