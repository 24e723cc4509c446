import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scheduleIn } from '../../../../lib/model/draft/schedule.ts'
import type { Values } from '../../../../lib/model/layer/planned.ts'

const VM = 'https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/threads-prod-vm'
const job = (does: string, schedule: string, more: Values = {}) => ({
  type: 'google_cloud_scheduler_job',
  attributes: { schedule, time_zone: 'Asia/Taipei', http_target: [{ uri: `${VM}/${does}` }], ...more } as Values,
})
const policy = (start: string, stop: string, more: Values = {}) => ({
  type: 'google_compute_resource_policy',
  attributes: {
    name: 'nights',
    instance_schedule_policy: [
      { vm_start_schedule: [{ schedule: start }], vm_stop_schedule: [{ schedule: stop }], time_zone: 'Asia/Taipei', ...more },
    ],
  } as Values,
})
const instance = (name: string, ...policies: string[]) => ({
  type: 'google_compute_instance',
  attributes: { name, resource_policies: policies } as Values,
})
const NIGHTS = 'projects/p/regions/r/resourcePolicies/nights'
const OWNERS = { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' }

const found = suite('scheduleIn')
for (const [why, resources, expected] of [
  ['two jobs of the scheduler', [job('start', '0 9 * * *'), job('stop', '0 21 * * *')], OWNERS],
  ['in the other order, with leading zeros', [job('stop', '00 21 * * *'), job('start', '00 09 * * *')], OWNERS],
  ['minutes', [job('start', '5 9 * * *'), job('stop', '30 21 * * *')], { ...OWNERS, on: '09:05', off: '21:30' }],
  ['a policy of Compute Engine', [policy('0 9 * * *', '0 21 * * *'), instance('threads-prod-vm', NIGHTS)], OWNERS],
  [
    'a policy of another VM',
    [policy('0 9 * * *', '0 21 * * *'), instance('other', NIGHTS), instance('threads-prod-vm')],
    undefined,
  ],
  ['only one that stops it', [job('stop', '0 21 * * *')], undefined],
  ['weekdays only', [job('start', '0 9 * * 1-5'), job('stop', '0 21 * * 1-5')], undefined],
  ['every other hour', [job('start', '0 */2 * * *'), job('stop', '0 21 * * *')], undefined],
  ['at several hours', [job('start', '0 9,10 * * *'), job('stop', '0 21 * * *')], undefined],
  ['two time zones', [job('start', '0 9 * * *'), job('stop', '0 21 * * *', { time_zone: 'UTC' })], undefined],
  ['at the same time', [job('start', '0 9 * * *'), job('stop', '0 9 * * *')], undefined],
  ['a job that is paused', [job('start', '0 9 * * *'), job('stop', '0 21 * * *', { paused: true })], undefined],
  [
    'of another VM',
    [job('start', '0 9 * * *'), job('stop', '0 21 * * *', { http_target: [{ uri: `${VM}-2/stop` }] })],
    undefined,
  ],
  ['a job that does something else', [job('start', '0 9 * * *'), job('stop', '0 21 * * *'), job('reset', '0 3 * * *')], OWNERS],
  ['two that start it', [job('start', '0 9 * * *'), job('start', '0 10 * * *'), job('stop', '0 21 * * *')], undefined],
  ['a job without a target', [{ ...job('start', '0 9 * * *'), attributes: { schedule: '0 9 * * *' } }], undefined],
  [
    'a snapshot schedule',
    [
      { type: 'google_compute_resource_policy', attributes: { name: 'nights', snapshot_schedule_policy: [{}] } },
      instance('threads-prod-vm', NIGHTS),
    ],
    undefined,
  ],
  ['an hour that there is not', [job('start', '0 9 * * *'), job('stop', '0 24 * * *')], undefined],
  ['nothing', [], undefined],
] as [string, { type: string; attributes: Values }[], object | undefined][])
  found(why, () => assert.equal(scheduleIn(resources, 'threads-prod-vm'), expected))
found.run()
