import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clockOf, offUntil, type Schedule, scheduleAt } from '../../../lib/model/schedule.ts'

/** The owner's: on at 9, off at 21 o'clock. Taipei is 8 hours ahead, the whole year. */
const TAIPEI: Schedule = { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' }
const NIGHT: Schedule = { on: '22:00', off: '06:30', timeZone: 'UTC' }
/** From 2025-03-09 02:00 EST the clocks show 03:00 EDT, and on 2025-11-02 at 02:00 EDT 01:00 EST again. */
const newYork = (on: string, off: string): Schedule => ({ on, off, timeZone: 'America/New_York' })

const states = suite('scheduleAt')
for (const [why, schedule, now, isOn, until, clock] of [
  ['before it is on', TAIPEI, '2025-12-01T00:59:59Z', false, '2025-12-01T01:00:00Z', '09:00 (Asia/Taipei)'],
  ['on to the second', TAIPEI, '2025-12-01T01:00:00Z', true, '2025-12-01T13:00:00Z', '21:00 (Asia/Taipei)'],
  ['just before it is off', TAIPEI, '2025-12-01T12:59:59Z', true, '2025-12-01T13:00:00Z', '21:00 (Asia/Taipei)'],
  ['off to the second', TAIPEI, '2025-12-01T13:00:00Z', false, '2025-12-02T01:00:00Z', '09:00 (Asia/Taipei)'],
  ['past midnight there, not yet in UTC', TAIPEI, '2025-12-01T17:00:00Z', false, '2025-12-02T01:00:00Z', '09:00 (Asia/Taipei)'],
  ['the last day of a year', TAIPEI, '2025-12-31T15:00:00Z', false, '2026-01-01T01:00:00Z', '09:00 (Asia/Taipei)'],
  ['on over midnight, before it', NIGHT, '2025-12-01T23:00:00Z', true, '2025-12-02T06:30:00Z', '06:30 (UTC)'],
  ['on over midnight, after it', NIGHT, '2025-12-02T03:00:00Z', true, '2025-12-02T06:30:00Z', '06:30 (UTC)'],
  ['on over midnight, by day', NIGHT, '2025-12-02T12:00:00Z', false, '2025-12-02T22:00:00Z', '22:00 (UTC)'],
  ['on at midnight', { ...NIGHT, on: '00:00' }, '2025-12-02T00:00:00Z', true, '2025-12-02T06:30:00Z', '06:30 (UTC)'],
  [
    'off at midnight',
    { ...NIGHT, on: '06:30', off: '00:00' },
    '2025-12-02T00:00:00Z',
    false,
    '2025-12-02T06:30:00Z',
    '06:30 (UTC)',
  ],
  [
    'a time zone of half an hour',
    { ...TAIPEI, timeZone: 'Asia/Kolkata' },
    '2025-12-01T03:29:00Z',
    false,
    '2025-12-01T03:30:00Z',
    '09:00 (Asia/Kolkata)',
  ],
  [
    'a night that is an hour short',
    newYork('09:00', '21:00'),
    '2025-03-09T05:00:00Z',
    false,
    '2025-03-09T13:00:00Z',
    '09:00 (America/New_York)',
  ],
  [
    'a night that is an hour long',
    newYork('09:00', '21:00'),
    '2025-11-02T05:00:00Z',
    false,
    '2025-11-02T14:00:00Z',
    '09:00 (America/New_York)',
  ],
  [
    'on at a time that is left out: as much later',
    newYork('02:30', '21:00'),
    '2025-03-09T06:59:00Z',
    false,
    '2025-03-09T07:30:00Z',
    '03:30 (America/New_York)',
  ],
  [
    'on at a time that was left out',
    newYork('02:30', '21:00'),
    '2025-03-09T07:30:00Z',
    true,
    '2025-03-10T01:00:00Z',
    '21:00 (America/New_York)',
  ],
  [
    'on at a time that comes twice: the first one',
    newYork('01:30', '21:00'),
    '2025-11-02T05:30:00Z',
    true,
    '2025-11-03T02:00:00Z',
    '21:00 (America/New_York)',
  ],
  [
    'it stays on when the clock shows an earlier time again',
    newYork('01:30', '21:00'),
    '2025-11-02T06:10:00Z',
    true,
    '2025-11-03T02:00:00Z',
    '21:00 (America/New_York)',
  ],
  [
    'off at a time that comes twice: it stays off',
    newYork('09:00', '01:30'),
    '2025-11-02T06:10:00Z',
    false,
    '2025-11-02T14:00:00Z',
    '09:00 (America/New_York)',
  ],
] as [string, Schedule, string, boolean, string, string][])
  states(why, () => {
    const found = scheduleAt(schedule, new Date(now))
    assert.equal([found.isOn, found.until.toISOString()], [isOn, new Date(until).toISOString()])
    assert.is(clockOf(found.until, schedule), clock)
  })
states.run()

const NIGHT_IN_TAIPEI = '2025-12-01T15:00:00Z'
const DAY_IN_TAIPEI = '2025-12-01T05:00:00Z'
const off = suite('offUntil')
for (const [why, status, schedule, now, expected] of [
  ['stopped in the time that it is off', 'TERMINATED', TAIPEI, NIGHT_IN_TAIPEI, '2025-12-02T01:00:00.000Z'],
  ['stopping in that time', 'STOPPING', TAIPEI, NIGHT_IN_TAIPEI, '2025-12-02T01:00:00.000Z'],
  ['about to stop in that time', 'PENDING_STOP', TAIPEI, NIGHT_IN_TAIPEI, '2025-12-02T01:00:00.000Z'],
  ['stopped outside of it', 'TERMINATED', TAIPEI, DAY_IN_TAIPEI, undefined],
  ['running in that time', 'RUNNING', TAIPEI, NIGHT_IN_TAIPEI, undefined],
  ['starting in that time', 'STAGING', TAIPEI, NIGHT_IN_TAIPEI, undefined],
  ['suspended in that time: no schedule does that', 'SUSPENDED', TAIPEI, NIGHT_IN_TAIPEI, undefined],
  ['no VM', undefined, TAIPEI, NIGHT_IN_TAIPEI, undefined],
  ['no schedule', 'TERMINATED', undefined, NIGHT_IN_TAIPEI, undefined],
] as [string, string | undefined, Schedule | undefined, string, string | undefined][])
  off(why, () => assert.is(offUntil(status, schedule, new Date(now))?.toISOString(), expected))
off.run()
