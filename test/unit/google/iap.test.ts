import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketServer } from 'ws'
import { dialThroughIap } from '../../../lib/google/iap.ts'
import { asOpsError, type OpsError } from '../../../lib/runtime/errors.ts'
import { failingServices, withFault } from '../support/faults.ts'

const within = 300
const dial = (relay: string, more: { signal?: AbortSignal; within?: number } = {}): Promise<OpsError> =>
  dialThroughIap({ relay, project: 'p', zone: 'z', instance: 'v', port: 22, token: async () => 't', within, ...more }).then(
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
iap.run()
