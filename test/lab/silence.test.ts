import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Checkout, interrupted, makeCheckout, type Ran } from './support/checkout.ts'
import { bringUp } from './support/kept-lab.ts'

/** A service accepts every request and answers none: each verb ends by itself, says who was silent, and ends at once on Ctrl-C. */
const story = suite<{ checkout: Checkout }>('a service that is silent')

const fine = (ran: Ran) => assert.is(ran.code, 0, ran.stderr)

story.before(async context => {
  context.checkout = await makeCheckout()
  fine(await bringUp(context.checkout))
})
story.after(async ({ checkout }) => checkout.remove())

const FOR_LONG = '600000'
/** What goes silent, the verbs that need it, and how they name it. */
const SILENT = [
  {
    fault: ['delay', '--route', '/compute/**', '--ms', FOR_LONG],
    named: /Compute Engine has not answered/,
    verbs: ['status', 'up', 'dr-drill'],
  },
  { fault: ['tunnel', '--latency-ms', FOR_LONG], named: /the Kubernetes API/, verbs: ['verify'] },
]
/** By itself, all attempts included, in milliseconds. */
const ENDS_WITHIN_MS = 120_000
/** After Ctrl-C it ends within two seconds, and Task and Node after it. */
const STOPS_WITHIN_MS = 3000

for (const { fault, named, verbs } of SILENT) {
  story(`${fault[0]} begins`, async ({ checkout }) => {
    fine(await checkout.task('lab:fault', '--', '--clear'))
    fine(await checkout.task('lab:fault', '--', ...fault))
  })
  for (const verb of verbs) {
    const flags = verb === 'status' ? [] : ['--yes']
    story(`${verb} ends on Ctrl-C`, async ({ checkout }) => {
      const child = checkout.start(verb, '--', '--json', ...flags)
      // Until it waits for the service.
      await sleep(6000)
      const since = performance.now()
      assert.is(await interrupted(child), 130)
      const ms = performance.now() - since
      assert.ok(ms < STOPS_WITHIN_MS, `${ms} ms`)
    })
    story(`${verb} ends, with the service's name`, async ({ checkout }) => {
      const { code, stderr, stdout, ms } = await checkout.json(verb, ...flags)
      assert.ok(code === 5 || code === 6 || code === 124, `exit code ${code}\n${stderr}`)
      assert.match(stdout + stderr, named)
      assert.ok(ms < ENDS_WITHIN_MS, `${ms} ms`)
    })
  }
}
story('once the service answers again, all is well', async ({ checkout }) => {
  fine(await checkout.task('lab:fault', '--', '--clear'))
  fine(await checkout.json('verify', '--wait', '2m'))
})
story.run()
