import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Checkout, interrupted, makeCheckout } from './support/checkout.ts'
import { bringUp } from './support/kept-lab.ts'

/** Compute Engine accepts every request and answers none: each verb ends by itself, says who was silent, and at once on Ctrl-C. */
const story = suite<{ checkout: Checkout }>('a service that is silent')

story.before(async context => {
  context.checkout = await makeCheckout()
  const { code, stderr } = await bringUp(context.checkout)
  assert.is(code, 0, stderr)
  const silent = await context.checkout.task('lab:fault', '--', 'delay', '--route', '/compute/**', '--ms', '600000')
  assert.is(silent.code, 0, silent.stderr)
})
story.after(async ({ checkout }) => checkout.remove())

const VERBS = ['status', 'verify', 'up', 'dr-drill']
/** What only reads has ended this long after Ctrl-C, in milliseconds, and a second more for starting and ending Task and Node. */
const ENDS_MS = 3000

for (const verb of VERBS) {
  story(`${verb} ends, with its name`, async ({ checkout }) => {
    const { code, stderr, stdout, ms } = await checkout.json(verb, ...(verb === 'status' ? [] : ['--yes']))
    assert.ok(code === 5 || code === 124, `exit code ${code}\n${stderr}`)
    assert.match(stdout + stderr, /Compute Engine has not answered/)
    assert.ok(ms < 120_000, `${ms} ms`)
  })
  story(`${verb} ends on Ctrl-C`, async ({ checkout }) => {
    const child = checkout.start(verb, '--', '--json')
    // Until it waits for the service.
    await sleep(6000)
    const since = performance.now()
    const code = await interrupted(child)
    const ms = performance.now() - since
    assert.is(code, 130)
    assert.ok(ms < ENDS_MS, `${ms} ms`)
  })
}
story.run()
