import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { external } from '../../../lib/runtime/errors.ts'
import { type Wait, waitFor } from '../../../lib/runtime/wait.ts'
import { failureOf } from '../support/layers.ts'

const wait = <T>(probe: Wait<T>['probe'], more: Partial<Wait<T>> = {}) =>
  waitFor({ what: 'the tide', within: 200, every: 5, probe, ...more })

const waits = suite('waitFor')

waits('the first value ends it, falsy or not', async () => {
  let probes = 0
  assert.is(await wait(async () => (++probes < 3 ? undefined : 0)), 0)
  assert.is(probes, 3)
})

waits('a failing probe is one that has nothing yet', async () => {
  let probes = 0
  const flaky = async () => {
    if (++probes < 3) throw new Error('not yet')
    return 'high'
  }
  assert.is(await wait(flaky), 'high')
})

waits('at the deadline it says what it waited for, the last error and the hint', async () => {
  const failing = async () => {
    throw new Error('still low')
  }
  const error = await failureOf(wait(failing, { within: 40, hint: 'ask the moon' }))
  assert.is(error.code, 124)
  assert.is(error.message, 'timed out after 0.0 s waiting for the tide; last error: still low')
  assert.is(error.hint, 'ask the moon')
  assert.is((error.cause as Error).message, 'still low')
})

waits('an error of ours ends it at once', async () => {
  let probes = 0
  const refused = async () => {
    probes++
    throw external('refused', 'do not ask')
  }
  const error = await failureOf(wait(refused))
  assert.equal([error.code, error.message, probes], [5, 'refused', 1])
})

waits('a probe that never answers does not outlive the deadline', async () => {
  const started = performance.now()
  const error = await failureOf(wait(() => new Promise(() => undefined), { within: 40 }))
  assert.is(error.code, 124)
  assert.ok(performance.now() - started < 10_000)
})

waits('an interruption ends it, whatever the probe does', async () => {
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 20)
  const error = await failureOf(wait(() => new Promise(() => undefined), { within: 5000, signal: stop.signal }))
  assert.is(error.code, 130)
  assert.match(error.message, 'the tide')
})

waits('interrupted before it begins, it does not probe', async () => {
  let probed = false
  const probe = async () => {
    probed = true
    return 1
  }
  assert.is((await failureOf(wait(probe, { signal: AbortSignal.abort() }))).code, 130)
  assert.is(probed, false)
})

waits('the probe may end itself at the deadline, which is no reason of its failure', async () => {
  const obedient = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  assert.is((await failureOf(wait(obedient, { within: 30 }))).message, 'timed out after 0.0 s waiting for the tide')
})

waits.run()
