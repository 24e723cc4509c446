import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketServer } from 'ws'
import { connectSuccessFrame, dataFrame } from '../../../lab/google/iap/frames.ts'
import { dialThroughIap } from '../../../lib/google/iap.ts'
import { asOpsError, type OpsError } from '../../../lib/runtime/errors.ts'
import { failingServices, withFault } from '../support/faults.ts'

const within = 300
const target = { project: 'p', zone: 'z', instance: 'v', port: 22 }
const dial = (relay: string, more: { signal?: AbortSignal; within?: number } = {}): Promise<OpsError> =>
  dialThroughIap({ relay, ...target, token: async () => 't', within, ...more }).then(
    () => assert.unreachable('it connects') as never,
    asOpsError,
  )

/** A relay that upgrades and then says nothing. */
async function withSilentRelay(work: (url: string) => Promise<void>): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: protocols => [...protocols][0] ?? false })
  await once(server, 'listening')
  try {
    await work(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    for (const client of server.clients) client.terminate()
    server.close()
  }
}

const iap = suite('dialThroughIap')
iap('a relay that is silent after the upgrade is given up', () =>
  withSilentRelay(async url => {
    const started = performance.now()
    const { code, message } = await dial(url)
    assert.is(code, 124)
    assert.match(message, 'IAP')
    assert.ok(performance.now() - started < within + 15_000)
  }),
)
iap('Ctrl-C ends the wait', () =>
  withSilentRelay(async url => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    assert.is((await dial(url, { signal: stop.signal, within: 60_000 })).code, 130)
    assert.is((await dial(url, { signal: stop.signal, within: 60_000 })).code, 130)
  }),
)
for (const fault of failingServices) {
  iap(`a relay that ${fault}`, () =>
    withFault(fault, async url => {
      const started = performance.now()
      const { code, message } = await dial(url.replace('http', 'ws'))
      assert.ok([5, 124].includes(code), `${code} ${message}`)
      assert.match(message, 'IAP')
      assert.ok(performance.now() - started < within + 15_000)
    }),
  )
}

/** A relay that says these words to whoever connects, and then nothing. */
async function withRelayThatSays(words: (Buffer | string)[], work: (url: string) => Promise<void>): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: protocols => [...protocols][0] ?? false })
  server.on('connection', socket => {
    socket.on('error', () => undefined)
    for (const word of words) socket.send(word)
  })
  await once(server, 'listening')
  try {
    await work(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    for (const client of server.clients) client.terminate()
    server.close()
  }
}

const CONNECTED = connectSuccessFrame('sid')
const frames: [string, Buffer | string][] = [
  ['nothing', Buffer.alloc(0)],
  ['half a tag', Buffer.from([0])],
  ['text', 'text'],
  ['a tag alone', Buffer.from([0, 1])],
  ['data without a length', Buffer.from([0, 4, 0])],
  ['less data than it says', Buffer.from([0, 4, 0, 0, 0, 9, 1])],
  ['more data than a frame may have', Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff, 1])],
  ['half an acknowledgement', Buffer.from([0, 7, 1, 2])],
  ['an acknowledgement of what was never sent', Buffer.from('0007ffffffffffffffff', 'hex')],
]
for (const [what, frame] of frames) {
  iap(`${what} instead of the first frame: the relay is refused`, () =>
    withRelayThatSays([frame], async url => {
      const { code, message } = await dial(url)
      assert.is(code, 5)
      assert.match(message, /IAP .*not its protocol/)
    }),
  )
  iap(`${what} later on: the connection fails, and no more than that`, () =>
    withRelayThatSays([CONNECTED, frame], async url => {
      const stream = await dialThroughIap({ ...target, relay: url, token: async () => 't', within: 5000 })
      const [error] = await once(stream.resume(), 'error', { signal: AbortSignal.timeout(5000) })
      assert.match(asOpsError(error).message, /not its protocol/)
      assert.ok(stream.destroyed)
    }),
  )
}
iap('a tag that is not known is left alone', () =>
  withRelayThatSays([Buffer.from([0, 99, 1]), CONNECTED, Buffer.from([0, 99]), dataFrame(Buffer.from('a'))], async url => {
    const stream = await dialThroughIap({ ...target, relay: url, token: async () => 't', within: 5000 })
    const [data] = await once(stream, 'data', { signal: AbortSignal.timeout(5000) })
    assert.is(String(data), 'a')
    stream.destroy()
  }),
)
iap.run()
