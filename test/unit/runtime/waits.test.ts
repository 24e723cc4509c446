import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { attempt } from '../../../lib/runtime/attempt.ts'
import { createLog } from '../../../lib/runtime/log.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { longestWait, waiting } from '../../../lib/runtime/waits.ts'

function stderr(isTTY: boolean) {
  const written: string[] = []
  const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream
  const lines = () =>
    written.map(text =>
      stripVTControlCharacters(text)
        .replace('\r', '')
        .replace(/^[\d:]{8} /, ''),
    )
  return { stream, lines }
}

/** Something that is waited for until it is let go. */
const held = (what: string) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { ended: waiting(what, () => promise), release: resolve }
}

const waits = suite('waits')
waits.before.each(() => mock.timers.enable({ apis: ['setInterval'] }))
waits.after.each(() => mock.timers.reset())

waits('only a long one is told, the longest first', async () => {
  const first = held('Compute Engine')
  assert.is(longestWait(), undefined)
  await sleep(600)
  const second = held('GitHub')
  await sleep(500)
  assert.is(longestWait()?.what, 'Compute Engine')
  const now = performance.now()
  assert.is(longestWait(now), undefined)
  first.release()
  await first.ended
  assert.is(longestWait(), undefined)
  second.release()
  await second.ended
})

for (const [who, wait] of [
  [
    'a service',
    (call: () => Promise<void>) => attempt({ service: 'The tide', what: 'asking', hint: '', repeatable: false, call }),
  ],
  [
    'a condition',
    (call: () => Promise<void>) => waitFor({ what: 'the tide', within: 9000, probe: async () => (await call()) ?? 1 }),
  ],
] as const) {
  waits(`whoever waits for ${who} says so, also when it fails`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ended = wait(() => promise)
    await sleep(1050)
    assert.match(longestWait()?.what ?? '', /the tide/i)
    resolve()
    await ended
    assert.is(longestWait(), undefined)
  })
}

waits('without an activity, elsewhere than in a terminal: once after a second, then each 15 s', async () => {
  const { stream, lines } = stderr(false)
  createLog({ stream, live: false, waits: true })
  const { ended, release } = held('the Kubernetes API')
  mock.timers.tick(900)
  assert.equal(lines(), [])
  await sleep(1050)
  mock.timers.tick(14_000)
  assert.is(lines().length, 1)
  assert.match(lines()[0] ?? '', /^ {2}waiting for the Kubernetes API \(1\.\d s\)\n$/)
  mock.timers.tick(15_000)
  assert.is(lines().length, 2)
  release()
  await ended
  mock.timers.tick(60_000)
  assert.is(lines().length, 2)
})

waits('in a terminal it is a live line, gone as soon as the wait ends', async () => {
  const { stream, lines } = stderr(true)
  createLog({ stream, live: true, waits: true })
  const { ended, release } = held('the Kubernetes API')
  await sleep(1050)
  mock.timers.tick(1000)
  assert.match(lines().at(-1) ?? '', /waiting for the Kubernetes API 1\.\d s/)
  release()
  await ended
  assert.is(lines().at(-1), '')
})

waits('quiet says nothing of it', async () => {
  const { stream, lines } = stderr(false)
  createLog({ stream, live: false, quiet: true, waits: true })
  const { ended, release } = held('GitHub')
  await sleep(1050)
  mock.timers.tick(30_000)
  assert.equal(lines(), [])
  release()
  await ended
})

waits('in an activity, the newer of what it said last and what it waits for', async () => {
  const { stream, lines } = stderr(false)
  const activity = createLog({ stream, live: false, waits: true }).activity('Everything is healthy')
  activity.update('4 pods to go')
  const { ended, release } = held('the Kubernetes API')
  await sleep(1050)
  mock.timers.tick(15_000)
  activity.update('3 pods to go')
  mock.timers.tick(15_000)
  release()
  await ended
  activity.cleared()
  assert.equal(
    lines().map(line => /healthy: (.*) \(/.exec(line)?.[1]),
    ['waiting for the Kubernetes API', '3 pods to go'],
  )
})
waits.run()
