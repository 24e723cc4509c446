import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scheduleIn } from '../../../../lib/model/draft/schedule.ts'

const VM = 'https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/vm'
const job = (does: string, schedule: string, time_zone = 'Asia/Taipei') => ({
  type: 'google_cloud_scheduler_job',
  attributes: { schedule, time_zone, http_target: [{ uri: `${VM}/${does}`, http_method: 'POST' }] },
})
const [ON, OFF] = [job('start', '0 9 * * *'), job('stop', '30 21 * * *')]

const schedules = suite('the schedule in a state')
for (const [what, resources, expected] of [
  ['a job for each', [ON, OFF], { on: '09:00', off: '21:30', timeZone: 'Asia/Taipei' }],
  ['in the other order, with other resources', [OFF, { type: 'google_project', attributes: {} }, ON], { on: '09:00' }],
  ['one that stops alone', [OFF], undefined],
  ['two that start', [ON, ON, OFF], undefined],
  ['on weekdays', [job('start', '0 9 * * 1-5'), OFF], undefined],
  ['several times a day', [job('start', '0 9,13 * * *'), OFF], undefined],
  ['at no time that there is', [job('start', '0 24 * * *'), OFF], undefined],
  ['in two time zones', [job('start', '0 9 * * *', 'Etc/UTC'), OFF], undefined],
  ['of something else', [job('run', '0 9 * * *'), job('run', '0 21 * * *')], undefined],
  ['none', [], undefined],
] as const) {
  schedules(what, () => {
    const found = scheduleIn(resources)
    if (expected === undefined) assert.is(found, undefined)
    else assert.equal({ ...found, ...expected }, found)
  })
}
schedules.run()
