import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { snapshotFaults } from '../../../../lib/model/drill/snapshot.ts'
import { passedFacts } from './passed.ts'

const good = passedFacts().snapshots['01-k8s']
const wanted = { environment: 'prod', vm: 'threads-prod-vm', layer: '01-k8s' }

const faults = suite('snapshotFaults')
for (const [why, change, expected] of [
  ['as the original was', {}, []],
  ['still uploading', { status: 'UPLOADING' }, ['is UPLOADING, not READY']],
  [
    'of another VM',
    { name: 'threads-lab-vm-01-k8s-20251101-140140' },
    ['is not named as a snapshot of threads-prod-vm after 01-k8s'],
  ],
  [
    'of another layer',
    { name: 'threads-prod-vm-00-vpc-20251101-140140' },
    ['is not named as a snapshot of threads-prod-vm after 01-k8s'],
  ],
  ['named by hand', { name: 'before-lunch' }, ['is not named as a snapshot of threads-prod-vm after 01-k8s']],
  ['without a description', { description: '' }, ['has the description ""']],
  ['of an earlier state', { labels: { ...good?.labels, 'state-serial': '4' } }, ['lacks the label state-serial=5']],
  [
    'without labels',
    { labels: {} },
    ['managed-by=threads-ops', 'environment=prod', 'layer=01-k8s', 'state-serial=5'].map(label => `lacks the label ${label}`),
  ],
] as const) {
  faults(why, () => assert.equal(good && snapshotFaults({ ...good, ...change } as typeof good, wanted), expected))
}
faults.run()
