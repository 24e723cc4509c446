import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { jobFindings } from '../../../../lib/model/health/job.ts'
import type { Condition } from '../../../../lib/model/health/objects.ts'
import { ago, inBrief, job } from '../../support/kubernetes.ts'

const findings = (...conditions: Condition[]) => jobFindings([job({ status: { conditions } })])

const rules = suite('jobFindings')
for (const [why, conditions, expected] of [
  ['running', [], []],
  ['complete', [{ type: 'Complete', status: 'True' }], []],
  ['not failed', [{ type: 'Failed', status: 'False' }], []],
  ['job/failed', [{ type: 'Failed', status: 'True' }], ['error job/failed']],
  ['job/suspended', [{ type: 'Suspended', status: 'True' }], ['warning job/suspended']],
  ['resumed', [{ type: 'Suspended', status: 'False' }], []],
  [
    'job/failed: and suspended before',
    [
      { type: 'Suspended', status: 'True' },
      { type: 'Failed', status: 'True' },
    ],
    ['error job/failed'],
  ],
] as [string, Condition[], string[]][]) {
  rules(why, () => assert.equal(inBrief(findings(...conditions)), expected))
}
for (const [why, more, message] of [
  [
    'reason and message',
    { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' },
    'BackoffLimitExceeded: Job has reached the specified backoff limit',
  ],
  ['an empty message', { reason: 'DeadlineExceeded', message: '' }, 'DeadlineExceeded'],
  ['neither', {}, 'failed without a message'],
] as const) {
  rules(`what it says: ${why}`, () => {
    const [found] = findings({ type: 'Failed', status: 'True', ...more })
    assert.equal([found?.object, found?.message], ['threads/Job/migrate', message])
    assert.is(found?.remedy, 'kubectl -n threads logs job/migrate')
  })
}
rules('how to resume one', () =>
  assert.match(findings({ type: 'Suspended', status: 'True' })[0]?.remedy ?? '', 'kubectl -n threads patch job migrate'),
)
rules('a failed one that is being deleted is on its way', () => {
  const going = job({ metadata: { deletionTimestamp: ago(0) }, status: { conditions: [{ type: 'Failed', status: 'True' }] } })
  assert.equal(inBrief(jobFindings([going])), ['warning job/terminating, heals'])
})
rules.run()
