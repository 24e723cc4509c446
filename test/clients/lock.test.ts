import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../lib/google/credentials.ts'
import { openStore, type Store } from '../../lib/google/storage.ts'
import { acquireLock, clearDeadLock, lockHolder } from '../../lib/operation/lock.ts'
import { OpsError } from '../../lib/runtime/errors.ts'
import { createLog } from '../../lib/runtime/log.ts'
import { pidSpace } from '../../lib/runtime/processes.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
  store: Store
}
const LOCK = 'threads-ops.lock'
const MINUTE = 60_000
/** No process has it: pids end at 4 194 304. */
const DEAD = 5_000_000
const log = createLog({ quiet: true, stream: { write: () => true } as unknown as NodeJS.WriteStream, live: false })

const lock = suite<Context>('the lock in Cloud Storage')
lock.before.each(async context => {
  context.lab = await TestLab.start()
  const client = new OAuth2Client()
  client.setCredentials({ access_token: TOKEN })
  const credentials = { client: async () => client } as unknown as Credentials
  context.store = await openStore('state', PROJECT, credentials, { endpoint: context.lab.url })
  await context.store.create('europe-west1', {})
})
lock.after.each(({ lab }) => lab.stop())

const acquire = (store: Store, verb: string, skew = 0) =>
  acquireLock({ verb, log, now: () => new Date(Date.now() + skew), store: async () => store }, reason => {
    throw reason
  })
const refusal = (attempt: Promise<unknown>): Promise<OpsError> =>
  attempt.then(
    () => Promise.reject(new Error('it got the lock')),
    error => (error instanceof OpsError ? error : Promise.reject(error)),
  )

for (const skew of [-5 * MINUTE, 5 * MINUTE]) {
  lock(`a holder elsewhere whose clock is ${skew / MINUTE} minutes off is waited for`, async ({ store }) => {
    const since = new Date(Date.now() + skew).toISOString()
    await store.put(LOCK, JSON.stringify({ holder: 'bob@far', pid: 1, pidSpace: 'another boot', verb: 'up', since }))
    const { age } = (await store.read(LOCK)) ?? {}
    assert.ok(age !== undefined && Math.abs(age) < MINUTE / 2, String(age))
    const { code, message } = await refusal(acquire(store, 'down'))
    assert.is(code, 4)
    assert.match(message, '`up` of bob@far')
  })
  lock(
    `a holder here whose clock is ${skew / MINUTE} minutes off is waited for, until it has given the lock back`,
    async ({ store }) => {
      const release = await acquire(store, 'up', skew)
      assert.is((await refusal(acquire(store, 'down'))).code, 4)
      await release?.()
      assert.is(await lockHolder(store), undefined)
      await (await acquire(store, 'down'))?.()
    },
  )
}
for (const content of ['', 'null', '{}', '{"holder":"ann']) {
  lock(`"${content}" is held by nobody knows whom`, async ({ store }) => {
    await store.put(LOCK, content)
    const { code, hint } = await refusal(acquire(store, 'up'))
    assert.is(code, 4)
    assert.match(hint, '`gcloud storage rm gs://state/threads-ops.lock`')
  })
}
for (const [whose, record, left] of [
  ['a run that died here', { pid: DEAD, pidSpace }, false],
  ['a run that goes on here', { pid: process.pid, pidSpace }, true],
  ['a run elsewhere that was alive a moment ago', { pid: 1, pidSpace: 'another boot' }, true],
  ['nobody knows whom', undefined, true],
] as const) {
  lock(`one that took no lock ${left ? 'leaves' : 'frees'} that of ${whose}`, async ({ store }) => {
    const since = new Date().toISOString()
    await store.put(LOCK, record ? JSON.stringify({ holder: 'bob@far', verb: 'up', since, ...record }) : 'torn')
    await clearDeadLock({ log, store: async () => store })
    assert.is((await lockHolder(store)) !== undefined, left)
  })
}
lock.run()
