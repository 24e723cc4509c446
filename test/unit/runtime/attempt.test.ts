import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Answered, type Attempt, attempt, isTransient } from '../../../lib/runtime/attempt.ts'
import { external, precondition } from '../../../lib/runtime/errors.ts'
import { failureOf } from '../support/layers.ts'

const coded = (members: object) => Object.assign(new Error('away'), members)
const trying = (call: Attempt<unknown>['call'], more: Partial<Attempt<unknown>> = {}) =>
  attempt({
    service: 'The tide',
    what: 'asking',
    hint: 'ask the moon',
    repeatable: true,
    deadlines: { each: 60, whole: 5000 },
    call,
    ...more,
  })

const transient = suite('isTransient')
for (const [error, expected] of [
  [coded({ code: 'ECONNRESET' }), true],
  [coded({ code: 'EAI_AGAIN' }), true],
  [new TypeError('fetch failed', { cause: coded({ code: 'UND_ERR_SOCKET' }) }), true],
  [new Error('socket hang up'), true],
  [coded({ status: 429 }), true],
  [coded({ code: 500 }), true],
  [coded({ code: 14, httpStatusCode: 503 }), true],
  [coded({ response: { status: 502 } }), true],
  [coded({ status: 404, cause: coded({ code: 'ECONNRESET' }) }), false],
  [coded({ status: 501 }), false],
  [coded({ code: 'ECONNREFUSED' }), false],
  [new SyntaxError('Unexpected token'), false],
] as [Error, boolean][]) {
  transient(`${JSON.stringify({ ...error, name: error.name, message: error.message })} is ${expected ? '' : 'not '}`, () =>
    assert.is(isTransient(error), expected),
  )
}
transient.run()

const attempts = suite('attempt')
attempts('what is transient is tried again, and says which attempt it is', async () => {
  const numbers: number[] = []
  const answer = await trying(async (_signal, number) => {
    numbers.push(number)
    if (number < 3) throw coded({ code: 'ECONNRESET' })
    return 'high'
  })
  assert.equal([answer, numbers], ['high', [1, 2, 3]])
})
for (const [why, error, more] of [
  ['what is final', coded({ status: 404 }), {}],
  ['what must not be repeated', coded({ code: 'ECONNRESET' }), { repeatable: false }],
  ['an error of ours', precondition('no', 'yes'), {}],
] as [string, Error, Partial<Attempt<unknown>>][]) {
  attempts(`${why} is not tried again`, async () => {
    let calls = 0
    await failureOf(
      trying(async () => {
        calls++
        throw error
      }, more),
    )
    assert.is(calls, 1)
  })
}
attempts('a call that never ends is abandoned: 124, with the service and the deadline', async () => {
  const error = await failureOf(trying(() => new Promise(() => undefined), { repeatable: false }))
  assert.equal([error.code, error.message], [124, 'asking: The tide has not answered within 0.1 s'])
})
attempts('all attempts end with the whole deadline', async () => {
  const started = performance.now()
  const error = await failureOf(trying(() => new Promise(() => undefined), { deadlines: { each: 100, whole: 300 } }))
  assert.is(error.code, 124)
  assert.ok(performance.now() - started < 10_000)
})
attempts('the signal of the call is aborted at its deadline', async () => {
  let seen: AbortSignal | undefined
  await failureOf(
    trying(
      signal => {
        seen = signal
        return new Promise(() => undefined)
      },
      { repeatable: false },
    ),
  )
  assert.is(seen?.aborted, true)
})
for (const [how, said] of [
  ['its own header', () => coded({ status: 429, retryAfter: '1' })],
  ['that of a response', () => coded({ response: { status: 503, headers: new Headers({ 'retry-after': '1' }) } })],
  ['that of its cause', () => external('no', 'wait', new Answered(503, '1'))],
  ['a date', () => new Answered(503, new Date(Date.now() + 2000).toUTCString())],
] as const) {
  attempts(`a service that says when to come again is left alone until then: ${how}`, async () => {
    const started = performance.now()
    await trying(async (_signal, number) => {
      if (number === 1) throw said()
    })
    // A date has no milliseconds.
    assert.ok(performance.now() - started > 950, `${performance.now() - started} ms`)
  })
}
for (const said of ['soon', '', '-1']) {
  attempts(`"${said}" is no time to come again`, async () => {
    const started = performance.now()
    await trying(async (_signal, number) => {
      if (number === 1) throw new Answered(503, said)
    })
    assert.ok(performance.now() - started < 10_000)
  })
}
for (const [when, repeatable] of [
  ['during a call', false],
  ['between two', true],
] as const) {
  attempts(`the run’s end ${when} is 130`, async () => {
    const stop = new AbortController()
    const failing = trying(
      async () => {
        setTimeout(() => stop.abort(), 10)
        if (repeatable) throw coded({ code: 'ECONNRESET' })
        return new Promise(() => undefined)
      },
      { signal: stop.signal, repeatable, deadlines: { each: 5000, whole: 5000 } },
    )
    assert.is((await failureOf(failing)).code, 130)
  })
}
attempts('any other failure is 5, with the service', async () => {
  const error = await failureOf(trying(() => Promise.reject(new SyntaxError('Unexpected token'))))
  assert.equal([error.code, error.message, error.hint], [5, 'asking: The tide: Unexpected token', 'ask the moon'])
})
attempts.run()
