import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeLock, LOCK_STALE_MS, type LockRecord } from '../../../lib/model/lock.ts'

const now = new Date('2025-11-01T12:00:00Z')
const beaten = (agoMs: number): LockRecord => ({
  holder: 'ann@desk',
  pid: 7,
  verb: 'up',
  since: '2025-11-01T11:00:00Z',
  heartbeat: new Date(now.getTime() - agoMs).toISOString(),
})

const lock = suite('judgeLock')
for (const [why, record, expected, isDead] of [
  ['nobody', undefined, 'free'],
  ['a fresh heartbeat', beaten(1000), 'held'],
  ['a heartbeat just in time', beaten(LOCK_STALE_MS), 'held'],
  ['a silent holder', beaten(LOCK_STALE_MS + 1), 'stale'],
  ['a holder whose clock is ahead', beaten(-LOCK_STALE_MS), 'held'],
  ['a heartbeat that is no time', { ...beaten(0), heartbeat: 'soon' }, 'held'],
  ['a holder that was killed a moment ago', beaten(1000), 'stale', true],
  ['nobody, whoever is dead', undefined, 'free', true],
] as const) {
  lock(why, () => assert.is(judgeLock(record, now, isDead), expected))
}
lock.run()
